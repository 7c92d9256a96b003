package bustest

import (
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
)

// later starts consumers before there is anything to consume; the topics come
// at moments spread over the time in which groups are formed.
func (s *suite) later() {
	var waiting []*suite
	var got []*sink
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		one := *s
		one.topic += "." + name
		sink := newSink()
		one.consume(one.bus, one.topic, bus.ConsumeOptions{}, sink.handle)
		waiting, got = append(waiting, &one), append(got, sink)
	}
	for i, one := range waiting {
		time.Sleep(time.Duration(i) * 70 * time.Millisecond)
		one.make(3)
		one.publish(numbered("k", 0, 10)...)
	}
	for i, one := range waiting {
		require.Len(s, one.untilCount(got[i], 10), 10, "%d", i)
	}
}
