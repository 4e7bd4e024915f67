package ledger

import (
	"os"

	"golang.org/x/sys/unix"
)

func dataSync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return err
		}
	}
}
