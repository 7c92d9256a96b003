package cases

import (
	"testing"

	"go.uber.org/goleak"
)

// The embedded bus ends its connections a moment after its broker, so what
// belongs to it is left out.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("varde.internal/platform/bus/kafka.(*Bus).Close.func1"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*Writer).Close"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*partitionWriter).writeBatch"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*connPool).discover"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}
