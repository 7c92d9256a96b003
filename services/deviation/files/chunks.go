package files

import (
	"bytes"
	"encoding/binary"
	"slices"
)

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

// pngKept are the ancillary chunks that change how the picture looks (PNG, third edition, 11.3).
var pngKept = []string{"tRNS", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "cICP", "bKGD", "pHYs", "sPLT", "hIST", "acTL", "fcTL", "fdAT"}

// cleanPNG copies the critical chunks and those of pngKept; text, time, EXIF
// and private chunks, and whatever follows the end, are left out.
func cleanPNG(in []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(in, pngSignature)
	if !ok {
		return nil, ErrDamaged
	}
	out := bytes.NewBuffer(make([]byte, 0, len(in)))
	out.Write(pngSignature)
	for {
		if len(rest) < 12 {
			return nil, ErrDamaged
		}
		size := int64(binary.BigEndian.Uint32(rest)) + 12
		if size > int64(len(rest)) {
			return nil, ErrDamaged
		}
		name := string(rest[4:8])
		critical := name[0] >= 'A' && name[0] <= 'Z'
		if critical || slices.Contains(pngKept, name) {
			out.Write(rest[:size])
		}
		if name == "IEND" {
			return out.Bytes(), nil
		}
		rest = rest[size:]
	}
}

// Flags of the VP8X chunk that announce metadata (WebP container specification).
const webpMetadata = 0x08 | 0x04

// webpKept are the chunks that make the picture.
var webpKept = []string{"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"}

// cleanWebP copies the chunks that make the picture and takes the announcement
// of metadata out of the header.
func cleanWebP(in []byte) ([]byte, error) {
	if len(in) < 12 || string(in[:4]) != "RIFF" || string(in[8:12]) != "WEBP" {
		return nil, ErrDamaged
	}
	end := int64(binary.LittleEndian.Uint32(in[4:])) + 8
	if end > int64(len(in)) {
		return nil, ErrDamaged
	}
	rest := in[12:end]
	out := bytes.NewBuffer(make([]byte, 0, len(in)))
	out.Write(in[:12])
	for len(rest) > 0 {
		if len(rest) < 8 {
			return nil, ErrDamaged
		}
		size := int64(binary.LittleEndian.Uint32(rest[4:])) + 8
		size += size & 1
		if size > int64(len(rest)) {
			return nil, ErrDamaged
		}
		name := string(rest[:4])
		if slices.Contains(webpKept, name) {
			at := out.Len()
			out.Write(rest[:size])
			if name == "VP8X" && size > 8 {
				out.Bytes()[at+8] &^= webpMetadata
			}
		}
		rest = rest[size:]
	}
	clean := out.Bytes()
	if len(clean) == 12 {
		return nil, ErrDamaged
	}
	binary.LittleEndian.PutUint32(clean[4:], uint32(len(clean)-8)) //nolint:gosec // no longer than what came in
	return clean, nil
}
