package policy

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	covert "github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/hidden"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/topic"
)

// Classes of classify_prompt beyond those of package topic: they are what the other
// detectors find.
const (
	classCredentials = "credentials"
	classPersonal    = "personal"
)

// promptFunctions are the functions that sum up what the detectors find:
//
//	classify_prompt(list)  the classes of the texts, sorted: see package topic
//	risk(list)             how much of what is risky they hold, 0 to 1: see riskOf
func promptFunctions() []cel.EnvOption {
	segments := cel.ListType(segmentType.typ)
	return []cel.EnvOption{
		cel.Function("classify_prompt", cel.Overload("classify_prompt_segments", []*cel.Type{segments}, cel.ListType(cel.StringType),
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				return scan(v, "classify_prompt", func(s *selection) ref.Val { return classesOf(v, s) })
			}))),
		cel.Function("risk", cel.Overload("risk_segments", []*cel.Type{segments}, cel.DoubleType,
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				return scan(v, "risk", func(s *selection) ref.Val { return riskOf(v, s) })
			}))),
	}
}

// named runs secrets or pii on the list, or takes what an earlier rule had of it.
func named(v ref.Val, name string) ref.Val {
	return scan(v, name, func(s *selection) ref.Val {
		if name == "secrets" {
			return s.rules(secrets.New())
		}
		return s.rules(pii.New())
	})
}

func classesOf(v ref.Val, s *selection) ref.Val {
	classes := []string{}
	s.each(func(text string) { classes = append(classes, topic.Of(text)...) })
	for name, class := range map[string]string{"secrets": classCredentials, "pii": classPersonal} {
		found, ok := named(v, name).(traits.Lister)
		if !ok {
			return tooLarge()
		}
		if found.Size() != types.IntZero {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	return types.DefaultTypeAdapter.NativeToValue(slices.Compact(classes))
}

// What each finding adds to the risk. The parts are joined as if they were chances
// that do not depend on each other: 1 − (1−a)(1−b)…
const (
	riskInjection = 0.6  // at an injection score of 1; nothing up to 0.5
	riskSecret    = 0.7  // any credential
	riskIdentity  = 0.4  // numbers of cards, accounts, people; a date of birth
	riskContact   = 0.15 // addresses of mail, telephone, network
	riskCovert    = 0.5  // tag characters, variation selectors, bidi controls
	riskInvisible = 0.2  // other characters that cannot be seen
)

// contacts are the kinds of personal data that mostly stand in mails and logs; the
// others name one person.
var contacts = []string{pii.Email, pii.Phone, pii.IP, pii.MAC, pii.Crypto}

func riskOf(v ref.Val, s *selection) ref.Val {
	safe := 1.0
	score, ok := injectionScore(v).(types.Double)
	credentials, ok2 := named(v, "secrets").(traits.Lister)
	personal, ok3 := named(v, "pii").(traits.Lister)
	if !ok || !ok2 || !ok3 {
		return tooLarge()
	}
	safe *= 1 - riskInjection*2*max(0, float64(score)-0.5)
	if credentials.Size() != types.IntZero {
		safe *= 1 - riskSecret
	}
	identity, contact := false, false
	for it := personal.Iterator(); it.HasNext() == types.True; {
		kind, _ := it.Next().(types.String)
		if slices.Contains(contacts, strings.ReplaceAll(string(kind), "_", "-")) {
			contact = true
		} else {
			identity = true
		}
	}
	if identity {
		safe *= 1 - riskIdentity
	}
	if contact {
		safe *= 1 - riskContact
	}
	secretly, invisible := false, false
	s.each(func(text string) {
		for _, m := range covert.New().Scan(nil, text) {
			switch m.Rule {
			case covert.Tags, covert.Selectors, covert.Bidi:
				secretly = true
			default:
				invisible = true
			}
		}
	})
	if secretly {
		safe *= 1 - riskCovert
	} else if invisible {
		safe *= 1 - riskInvisible
	}
	return types.Double(1 - safe)
}
