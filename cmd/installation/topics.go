package installation

import (
	"time"

	"varde.internal/platform/bus"
	"varde.internal/services/audit"
)

const day = 24 * time.Hour

// topicConfigs declares every topic with its retention. Topics are buffers:
// what must last lies in the stores. Those of people's reports and cases are
// short, because they hold personal data; events stay longer than the longest
// window a correlator replays.
var topicConfigs = []bus.TopicConfig{
	{Name: bus.TopicEvents, Partitions: 6, Retention: 2 * day},
	{Name: bus.TopicEventsFailed, Partitions: 1, Retention: 30 * day},
	{Name: bus.TopicRegister, Partitions: 1, Compacted: true},
	{Name: bus.TopicDirectory, Partitions: 1, Compacted: true},
	{Name: bus.TopicFindings, Partitions: 3, Retention: 7 * day},
	{Name: bus.TopicReports, Partitions: 3, Retention: 7 * day},
	{Name: bus.TopicCases, Partitions: 3, Retention: 7 * day},
	audit.Topic(),
	{Name: bus.TopicRevocations, Partitions: 1, Compacted: true},
	{Name: bus.TopicIntake, Partitions: 1, Retention: 7 * day},
}
