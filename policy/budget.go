package policy

import (
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Budget is where a caller stands with one budget, for rules. What a rule sees is the
// moment before the call: only the gate, later, decides whether it can be paid for.
type Budget struct {
	// Name is the label of the budget, such as "key/day".
	Name string
	// USD is true for money, in US dollars, false for tokens.
	USD bool
	// Amount is what there is in the window, Remaining what is neither spent nor
	// held by running calls.
	Amount, Remaining float64
}

// ratio is the share that is left, 1 for a budget of nothing.
func (b *Budget) ratio() float64 {
	if b.Amount <= 0 {
		return 1
	}
	return max(0, min(1, b.Remaining/b.Amount))
}

// budgets returns the budgets, asked for once.
func (e *evaluation) budgets() []Budget {
	if !e.counted {
		e.counted = true
		if e.env.Budgets != nil {
			e.balances = e.env.Budgets()
		}
	}
	return e.balances
}

// least is the lowest figure of the budgets that count; none stands for no limit.
func (e *evaluation) least(none float64, figure func(*Budget) (float64, bool)) ref.Val {
	for i := range e.budgets() {
		if f, ok := figure(&e.balances[i]); ok {
			none = min(none, f)
		}
	}
	return types.Double(none)
}

var (
	balanceType = newStruct("gateway.Budget",
		field("name", types.StringType, func(b *balance) ref.Val { return name(b.Name) }),
		field("unit", types.StringType, func(b *balance) ref.Val {
			if b.USD {
				return types.String("USD")
			}
			return types.String("tokens")
		}),
		field("amount", types.DoubleType, func(b *balance) ref.Val { return types.Double(b.Amount) }),
		field("remaining", types.DoubleType, func(b *balance) ref.Val { return types.Double(b.Remaining) }),
		field("ratio", types.DoubleType, func(b *balance) ref.Val { return types.Double(b.ratio()) }),
	)
	budgetType = newStruct("gateway.Budgets",
		field("remaining_ratio", types.DoubleType, func(o *object) ref.Val {
			return o.e.least(1, func(b *Budget) (float64, bool) { return b.ratio(), true })
		}),
		field("remaining_usd", types.DoubleType, func(o *object) ref.Val {
			return o.e.least(math.Inf(1), func(b *Budget) (float64, bool) { return b.Remaining, b.USD })
		}),
		field("remaining_tokens", types.DoubleType, func(o *object) ref.Val {
			return o.e.least(math.Inf(1), func(b *Budget) (float64, bool) { return b.Remaining, !b.USD })
		}),
		field("all", cel.ListType(balanceType.typ), func(o *object) ref.Val {
			o.e.budgets()
			return &list{sequence: (*balances)(&o.e.balances)}
		}),
	)
)

// balances is the sequence behind budget.all.
type balances []Budget

func (b *balances) size() int        { return len(*b) }
func (b *balances) at(i int) ref.Val { return &balance{Budget: (*b)[i]} }

// balance is a Budget as a CEL value.
type balance struct {
	opaque
	Budget
}

// ConvertToType implements ref.Val.
func (b *balance) ConvertToType(t ref.Type) ref.Val { return convert(b, t) }

// Equal implements ref.Val.
func (b *balance) Equal(other ref.Val) ref.Val {
	o, ok := other.(*balance)
	return types.Bool(ok && o.Budget == b.Budget)
}

// Type implements ref.Val.
func (b *balance) Type() ref.Type { return balanceType.typ }

// Value implements ref.Val.
func (b *balance) Value() any { return b }

// Get implements traits.Indexer, for dynamic access.
func (b *balance) Get(name ref.Val) ref.Val { return balanceType.selectField(b, name) }

// IsSet implements traits.FieldTester, for dynamic access.
func (b *balance) IsSet(name ref.Val) ref.Val { return balanceType.hasField(b, name) }
