// Package objects remembers who made what providers keep for their whole
// account: files, batches, stored responses and their items, vector stores and
// the like. Callers of the gateway share that account, so without this memory
// each could read what another has stored there.
//
// It knows ids and owners. It keeps no content, sends nothing, and does not
// decide what a caller may do: handlers do, by what it tells.
package objects
