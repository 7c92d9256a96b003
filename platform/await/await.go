// Package await is how tests wait for what happens on another goroutine.
//
// testify's Eventually calls its condition on a goroutine of its own, where
// a failed require ends that goroutine and not the test: one look at a bad
// moment then reads as a condition that never held. Here the condition is
// called on the test's goroutine, so it may use require, and a failure there is
// the test's, with its own message.
package await

import (
	"fmt"
	"testing"
	"time"
)

// Limit is how long a test waits for what should be there at once: far longer
// than it takes, because a busy machine can stall. Every is how often it looks.
const (
	Limit = time.Minute
	Every = 10 * time.Millisecond
)

// True waits until the condition holds, and fails the test if it does not
// within Limit. The message is as in testify: a format and its arguments.
func True(t testing.TB, cond func() bool, message ...any) {
	t.Helper()
	for deadline := time.Now().Add(Limit); !cond(); time.Sleep(Every) {
		if time.Now().After(deadline) {
			t.Fatalf("did not come true within %s%s", Limit, text(message))
		}
	}
}

func text(message []any) string {
	if len(message) == 0 {
		return ""
	}
	if format, ok := message[0].(string); ok {
		return ": " + fmt.Sprintf(format, message[1:]...)
	}
	return ": " + fmt.Sprint(message...)
}
