//go:build unix

package parse

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// cpuSeconds is what this process has used.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

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
				s, err := NewStream(Options{})
				require.NoError(b, err)
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				before := cpuSeconds(b)
				for b.Loop() {
					ev, err := s.Parse(text, reference)
					if err != nil {
						b.Fatal(err)
					}
					if encode {
						if _, err := json.Marshal(ev); err != nil {
							b.Fatal(err)
						}
					}
				}
				// The clock on the wall says nothing on a busy machine.
				b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuSeconds(b)-before), "MB/CPU-s")
			})
		}
	}
}
