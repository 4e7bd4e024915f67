package auth

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// KeySpec is one client key as written in the configuration. It is the only
// type here that carries a secret, and only on its way into NewKeys: it prints,
// marshals and logs without it.
type KeySpec struct {
	// Name identifies the key in limits, budgets, records and metrics. Required,
	// unique, printable, without spaces, at most 128 bytes.
	Name string
	// Secret is what the client sends: 16 to 4096 visible ASCII characters,
	// unique.
	Secret string `json:"-"`
	// User, Team and Org are what the key belongs to; empty means none.
	User, Team, Org string
	// Groups and Scopes are labels for policy; Models are patterns of the models
	// that may be named (see llm.MatchModel), none meaning any.
	Groups, Scopes, Models []string
	// Expires is when the key stops working; zero means never.
	Expires time.Time
}

// String describes the key without its secret.
func (s KeySpec) String() string { return fmt.Sprintf("auth.KeySpec(%q)", s.Name) }

// Format prints String for every verb, so that no verb reaches the secret.
func (s KeySpec) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue logs String.
func (s KeySpec) LogValue() slog.Value { return slog.StringValue(s.String()) }
