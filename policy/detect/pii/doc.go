// Package pii finds personal data that has a form: addresses of mail, telephone
// numbers, payment cards, bank accounts, national identifiers, network
// addresses, crypto addresses, and dates of birth where a text says that they
// are. What has a check digit is checked. Names and postal addresses have no
// form and are not found.
//
// The package must not know roles, dialects or rules of the policy, and it does
// no I/O.
package pii
