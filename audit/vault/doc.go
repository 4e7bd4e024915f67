// Package vault keeps what an audit log must be able to forget: one key for each
// subject (a person, or what stands for one), and what is encrypted under it. A
// record holds pseudonyms and ciphertext only; to erase a subject is to destroy its
// key, after which the log is byte for byte what it was and every proof still
// verifies, but nobody can read what it said of that subject.
//
// On disk a vault is a directory (0700) beside the log's segments:
//
//	kek                     the key that wraps all others (0600), unless one is given
//	kek.id                  what tells a wrong key from the right one
//	names/<xx>/<hmac>       subject name (keyed hash) → id, encrypted
//	keys/<xx>/<id>          the subject's key, wrapped
//	erasing/<id>            an erasure that has begun
//	tmp/                    files that are being written
//	content/<day>/<request>-request|answer    stored texts, encrypted
//
// Ids are random: once both files of a subject are gone, not even who holds the
// key of the vault can tell whom a record spoke of by trying names.
//
// Files are written whole, synced and renamed; a key is durable before anything is
// encrypted under it. The package does not know records or requests.
package vault
