//go:build !linux

package main

import "time"

var start = time.Now()

// cpu stands in for the time that this thread has computed.
func cpu() time.Duration { return time.Since(start) }
