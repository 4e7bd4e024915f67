// Package secrets finds credentials in text: tokens whose format is public,
// private keys, passwords in addresses and connection strings, and values that
// are assigned to names like password or api_key.
//
// A match covers the secret itself and not the name before it. The rules know
// formats, entropy and what examples look like; they never ask a provider
// whether a token is valid. The package must not know roles, dialects or rules
// of the policy, and it does no I/O.
package secrets
