package reconcile

import "strings"

// canonical is the name of a model without the date of its snapshot: providers
// bill "gpt-4o-2024-08-06" or "claude-sonnet-4-5-20250929" where a call may have
// named the alias.
func canonical(model string) string {
	m := strings.ToLower(strings.TrimSpace(model))
	if strings.HasPrefix(m, "claude ") {
		// Anthropic's cost export has names for people: "Claude Haiku 4.5".
		m = strings.NewReplacer(" ", "-", ".", "-").Replace(m)
	}
	if i := len(m) - len("-2024-08-06"); i > 0 && date(m[i:], "-dddd-dd-dd") {
		return m[:i]
	}
	if i := len(m) - len("-20250929"); i > 0 && date(m[i:], "-dddddddd") {
		return m[:i]
	}
	return strings.TrimSuffix(m, "-latest")
}

// date reports whether s has the form, where d is a digit, and begins a year of
// this century.
func date(s, form string) bool {
	for i := range len(form) {
		if form[i] == 'd' && (s[i] < '0' || s[i] > '9') || form[i] != 'd' && s[i] != form[i] {
			return false
		}
	}
	return strings.HasPrefix(s, "-20")
}

// lineItem is the model of a line item of OpenAI's costs such as
// "gpt-4o-2024-08-06, input".
func lineItem(s string) string {
	model, _, _ := strings.Cut(s, ",")
	return model
}
