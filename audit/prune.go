package audit

import "fmt"

// eventPruned is the event of a record that says that old records were removed.
const eventPruned = "pruned"

const prunedForm = "first kept record %d"

// prunedTo reads the number of the first kept record from the detail of a pruned
// record.
func prunedTo(detail string) (n int64, ok bool) {
	_, err := fmt.Sscanf(detail, prunedForm, &n)
	return n, err == nil && n >= 0
}
