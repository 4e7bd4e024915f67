// Package limits is the room that says how much: rate limits in memory, and the
// budget guard, which prices every call and lets none leave that its budgets
// cannot pay for.
//
// The parts below it are limits/prices (what things cost) and limits/ledger
// (who has spent and reserved how much, durably). The package knows nothing of
// Caddy or HTTP. It must not use floating point: money and counts are integers,
// and it must not wait for a disk inside Rates.Take, Guard.Reserve or a Settle.
package limits
