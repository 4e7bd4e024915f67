// Package audit is the log of what happened: one record a line, hashed into a
// Merkle tree, signed once a second, durable before it is acknowledged.
//
// On disk a log is a directory (0700):
//
//	seg-<20-digit number of the first record>.jsonl   the records, one JSON object a line
//	hashes            the stored hashes of golang.org/x/mod/sumdb/tlog, 32 bytes each; can be rebuilt,
//	                  except for those of pruned records
//	checkpoint        the newest signed tree head (C2SP tlog-checkpoint, a signed note)
//	checkpoints.log   all of them, each followed by a blank line
//	checkpoint.cosigned, cosigned.log   the same, with the signatures of witnesses
//	key, key.pub      the Ed25519 keys that sign; the verifier keys of all that ever did, newest first
//	pruned            which records were removed last
//	ballast           space in reserve for a full disk
//	vault/            keys of subjects and stored texts, see package vault
//	lock              held by the one process that writes
//
// The leaf of a record is its line without the newline; its hash is RFC 6962's,
// SHA-256 of a zero byte and the leaf (tlog.RecordHash). Receipts are C2SP
// tlog-proofs.
//
// What this proves: who changes, removes, adds or moves a signed record and does
// not hold the key is found by Verify. Who holds disk and key can roll the log
// back to any point that no checkpoint held elsewhere contradicts. Records
// behind the last checkpoint, at most those of a second, are vouched for by
// nothing but the disk until the next one; after a crash they are kept and a
// system record says how many they were. Who can rewrite the directory can
// rewrite key.pub: a verifier should have the key from somewhere else.
//
// Personal values and texts of prompts and answers never stand in a record in clear:
// package vault encrypts them under keys that can be destroyed.
package audit
