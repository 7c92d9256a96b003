// Package otlp reads and answers requests of the OpenTelemetry protocol for
// logs over HTTP (OTLP specification 1.x, "OTLP/HTTP"). It has no I/O.
package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The two encodings.
const (
	Protobuf = "application/x-protobuf"
	JSON     = "application/json"
)

// Request is a decoded ExportLogsServiceRequest.
type Request struct{ data logs.LogsData }

// Decode reads the body of a request in one of the encodings. What it holds
// beyond the known fields is passed over, as the specification asks. Errors
// hold nothing of the body.
func Decode(body []byte, encoding string) (*Request, error) {
	// ExportLogsServiceRequest has LogsData's one field, and without the service
	// no gRPC is needed.
	r := &Request{}
	var err error
	if encoding == JSON {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, &r.data)
	} else {
		err = proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, &r.data)
	}
	if err != nil {
		return nil, fmt.Errorf("otlp: the body is no export of logs in %s", encoding)
	}
	if encoding != JSON {
		r.spellIDs()
	}
	return r, nil
}

// spellIDs makes ids of bytes those that protojson writes as hexadecimal: JSON
// of OTLP differs from JSON of protobuf in these two fields, which protojson
// would write in base64. Digits of 16 or 8 bytes are valid base64 themselves.
func (r *Request) spellIDs() {
	spell := func(id []byte) []byte {
		if len(id) != 16 && len(id) != 8 {
			return nil
		}
		out, _ := base64.StdEncoding.DecodeString(fmt.Sprintf("%x", id))
		return out
	}
	for _, rl := range r.data.ResourceLogs {
		for _, sl := range rl.GetScopeLogs() {
			for _, rec := range sl.GetLogRecords() {
				if rec != nil {
					rec.TraceId, rec.SpanId = spell(rec.TraceId), spell(rec.SpanId)
				}
			}
		}
	}
}

// Records calls each with every record, in order, as a JSON object of OTLP that
// holds this record alone with its resource and scope. It stops when each
// returns false.
func (r *Request) Records(each func(document []byte) bool) {
	for _, rl := range r.data.ResourceLogs {
		for _, sl := range rl.GetScopeLogs() {
			for _, rec := range sl.GetLogRecords() {
				one := logs.LogsData{ResourceLogs: []*logs.ResourceLogs{{Resource: rl.GetResource(), SchemaUrl: rl.GetSchemaUrl(),
					ScopeLogs: []*logs.ScopeLogs{{Scope: sl.GetScope(), SchemaUrl: sl.GetSchemaUrl(), LogRecords: []*logs.LogRecord{rec}}}}}}
				if !each(document(&one)) {
					return
				}
			}
		}
	}
}

// document is the record's JSON without the blanks that protojson puts in or
// not from one build to the next.
func document(one *logs.LogsData) []byte {
	text, err := protojson.MarshalOptions{UseEnumNumbers: true, AllowPartial: true}.Marshal(one)
	if err != nil { // a text that is not UTF-8 is refused when it is decoded
		return nil
	}
	var out bytes.Buffer
	if json.Compact(&out, text) != nil {
		return text
	}
	return out.Bytes()
}

// Answer is the body of a success. With rejected above 0 it is a partial one:
// so many records were not taken and are not to be sent again, and why says so.
func Answer(encoding string, rejected int, why string) []byte {
	if encoding == JSON {
		if rejected == 0 {
			return []byte("{}")
		}
		// Numbers of 64 bits are texts in JSON of protobuf.
		out, _ := json.Marshal(map[string]any{"partialSuccess": map[string]any{"rejectedLogRecords": fmt.Sprint(rejected), "errorMessage": why}})
		return out
	}
	if rejected == 0 {
		return []byte{}
	}
	var partial []byte
	partial = protowire.AppendVarint(protowire.AppendTag(partial, 1, protowire.VarintType), uint64(rejected))
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), why)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
}

// Codes of google.rpc.Status that are answered.
const (
	CodeInvalid         = 3
	CodeTooMany         = 8
	CodeInternal        = 13
	CodeUnavailable     = 14
	CodeUnauthenticated = 16
)

// Status is the body of a failure, a google.rpc.Status.
func Status(encoding string, code int, message string) []byte {
	if encoding == JSON {
		out, _ := json.Marshal(map[string]any{"code": code, "message": message})
		return out
	}
	out := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(code))
	return protowire.AppendString(protowire.AppendTag(out, 2, protowire.BytesType), message)
}
