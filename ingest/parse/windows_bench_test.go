package parse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkWindows(b *testing.B) {
	fields := logonFields("Status", "0xc000006d", "SubStatus", "0xc000006a", "FailureReason", "%%2313", "TransmittedServices", "-", "LmPackageName", "-", "KeyLength", "0")
	lines := map[string]string{"xml": winXML("4625", true, fields...)}
	for _, name := range []string{"Winlogbeat 8", "NXLog with a zone", "evtx_dump"} {
		lines[name] = strings.ReplaceAll(failedLogon[name], "\n", "")
	}
	// Shippers send the rendering too, which is longer than the fields.
	message := "An account failed to log on." + strings.Repeat(`\n\nSubject:\n\tSecurity ID:\t\tS-1-0-0\n\tAccount Name:\t\t-`, 25)
	lines["Winlogbeat 8"] = strings.Replace(lines["Winlogbeat 8"], "An account failed to log on.", message, 1)
	lines["NXLog with a zone"] = strings.Replace(lines["NXLog with a zone"], `"EventID"`, `"Message":"`+message+`","EventID"`, 1)
	for name, line := range lines {
		text := []byte(line)
		for _, encode := range []bool{false, true} {
			how := "parse"
			if encode {
				how = "parse and encode"
			}
			b.Run(name+"/"+how, func(b *testing.B) {
				s, err := NewStream(Options{Reuse: true}) // as the collector does
				require.NoError(b, err)
				var out []byte
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				before := cpu(b)
				for b.Loop() {
					ev, err := s.Parse(text, reference)
					if err != nil {
						b.Fatal(err)
					}
					if encode {
						ev.Event.ID = "01JDA2X0M8Q3W9V6T5R4E3W2Q1"
						out = ev.AppendJSON(out[:0])
					}
				}
				// The clock on the wall says nothing on a busy machine.
				b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpu(b)-before).Seconds(), "MB/CPU-s")
			})
		}
	}
}
