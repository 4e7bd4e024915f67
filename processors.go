package gateway

import (
	"os"
	"runtime"
)

// roomForSyncs lets a process on one core go on while a store syncs. A sync is a
// system call that blocks, and the runtime takes the place to run Go code (the P)
// away from such a call only after a while: often not before it has returned.
// With a single P all other calls stand still meanwhile, twice for each durable
// admission, and the core idles. A second P costs next to nothing; it is the
// runtime's own least number, which it goes below only on one core, and Caddy
// in a container with a quota of one. GOMAXPROCS in the environment is obeyed.
func roomForSyncs() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}
