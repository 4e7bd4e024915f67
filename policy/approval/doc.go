// Package approval keeps the calls that wait for the consent of a person, in a bbolt
// file, over restarts of the process.
//
// A call is known by its key, the rule that asks, the hash of the rules and the digest
// of its body; of what it says nothing is stored. Its sender gets a token, which is
// good for this call only, once, until it expires; people decide by an id, from which
// the token does not follow. The package knows neither HTTP nor the admin API.
package approval
