package collector

import (
	"context"

	"varde.internal/ingest/collector/http"
	"varde.internal/ingest/otlp"
	"varde.internal/ingest/parse"
	"varde.internal/platform/problem"
	"varde.internal/schemas/ecs"
)

// Logs takes an export of logs by OTLP, each record as a document of its own.
// When it returns without an error every record that is not refused is durable;
// after an error the same body again makes the same events of them (retried).
func (m sender) Logs(ctx context.Context, body []byte, encoding string) (http.Taken, error) {
	request, err := otlp.Decode(body, encoding)
	if err != nil {
		return http.Taken{}, problem.Invalid("The body is no export of logs.").Because(err)
	}
	o := m.intake.open(m.source, "otlp", ecs.ProvenanceAPIKey, parse.Options{Live: true})
	try := m.retried.begin(m.source, "otlp", body, m.deps.Clock())
	b := m.request(ctx)
	number, refused := 0, 0
	request.Records(func(document []byte) bool {
		if number++; len(document) == 0 || len(document) > m.cfg.MaxLine {
			refused++
		} else {
			m.intake.event(&b, &o, line{id: try.id(number), raw: document}, try.received)
			b.relieve(m.cfg.MaxBatch)
		}
		return b.err == nil
	})
	if refused > 0 {
		m.metrics.refused.WithLabelValues("otlp", "too-large").Add(float64(refused))
	}
	n, err := m.taken(ctx, &b)
	m.quotas.pay(m.source, n.Events+n.Dead)
	if err != nil {
		m.retried.fail(try)
		m.deps.Log.Warn("an export of logs could not be made durable; its sender will repeat it", "source", m.source.ID, "err", err)
	}
	n.Refused = refused
	return n, err
}
