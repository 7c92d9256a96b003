package files

import (
	"bytes"
	"encoding/binary"
)

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markRST0 = 0xd0
	markRST7 = 0xd7
	markTEM  = 0x01
	markAPP0 = 0xe0
	markAPP1 = 0xe1
	markAPP2 = 0xe2
	markAPPE = 0xee
	markAPPF = 0xef
	markCOM  = 0xfe
)

// cleanJPEG copies the segments that make the picture: not EXIF, XMP, IPTC,
// comments or makers' own, nor anything behind the end (phones put a second
// picture or a film there). The orientation is kept, as an EXIF block of that
// one tag, because without it the picture lies on its side.
func cleanJPEG(in []byte) ([]byte, error) {
	if len(in) < 4 || in[0] != 0xff || in[1] != markSOI {
		return nil, ErrDamaged
	}
	out := bytes.NewBuffer(make([]byte, 0, len(in)))
	out.Write(in[:2])
	orientation, wrote := uint16(0), false
	for at := 2; ; {
		// A marker is 0xff, any number of fill bytes 0xff, and its code.
		if at+1 >= len(in) || in[at] != 0xff {
			return nil, ErrDamaged
		}
		for at+1 < len(in) && in[at+1] == 0xff {
			at++
		}
		if at+1 >= len(in) {
			return nil, ErrDamaged
		}
		mark := in[at+1]
		if mark == markEOI {
			out.Write([]byte{0xff, markEOI})
			return out.Bytes(), nil
		}
		if mark == markTEM || (mark >= markRST0 && mark <= markRST7) {
			out.Write(in[at : at+2])
			at += 2
			continue
		}
		if at+4 > len(in) {
			return nil, ErrDamaged
		}
		end := at + 2 + int(binary.BigEndian.Uint16(in[at+2:]))
		if end > len(in) || end < at+4 {
			return nil, ErrDamaged
		}
		segment, body := in[at:end], in[at+4:end]
		if mark == markAPP1 {
			if o := exifOrientation(body); o > 1 && o <= 8 {
				orientation = o
			}
		}
		if keepSegment(mark, body) {
			// Only APP0 may stand before the EXIF block.
			if orientation != 0 && !wrote && mark != markAPP0 {
				out.Write(orientationBlock(orientation))
				wrote = true
			}
			out.Write(segment)
		}
		at = end
		if mark == markSOS {
			next := scanEnd(in, at)
			if next < 0 {
				return nil, ErrDamaged
			}
			out.Write(in[at:next])
			at = next
		}
	}
}

// keepSegment keeps what decodes the picture: JFIF, the colour profile and
// Adobe's colour transform among the application segments.
func keepSegment(mark byte, body []byte) bool {
	switch {
	case mark == markAPP0:
		return bytes.HasPrefix(body, []byte("JFIF\x00")) && len(body) == 14 // with a thumbnail it is longer
	case mark == markAPP2:
		return bytes.HasPrefix(body, []byte("ICC_PROFILE\x00"))
	case mark == markAPPE:
		return bytes.HasPrefix(body, []byte("Adobe"))
	case mark >= markAPP0 && mark <= markAPPF, mark == markCOM:
		return false
	}
	return true
}

// scanEnd finds the marker after entropy-coded data that begins at from, -1 for none.
func scanEnd(in []byte, from int) int {
	for i := from; i+1 < len(in); i++ {
		if in[i] == 0xff && in[i+1] != 0 && in[i+1] != 0xff && (in[i+1] < markRST0 || in[i+1] > markRST7) {
			return i
		}
	}
	return -1
}

// exifOrientation reads tag 0x0112 of an EXIF block, 0 where it has none.
func exifOrientation(body []byte) uint16 {
	tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	ifd := int64(order.Uint32(tiff[4:]))
	if ifd+2 > int64(len(tiff)) {
		return 0
	}
	for i := range int64(order.Uint16(tiff[ifd:])) {
		entry := ifd + 2 + 12*i
		if entry+12 > int64(len(tiff)) {
			return 0
		}
		if order.Uint16(tiff[entry:]) == 0x0112 {
			return order.Uint16(tiff[entry+8:])
		}
	}
	return 0
}

// orientationBlock is an APP1 segment with an EXIF block of one tag.
func orientationBlock(orientation uint16) []byte {
	body := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08")
	body = append(body, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1)
	body = binary.BigEndian.AppendUint16(body, orientation)
	body = append(body, 0, 0, 0, 0, 0, 0) // rest of the value, no further directory
	segment := []byte{0xff, markAPP1}
	segment = binary.BigEndian.AppendUint16(segment, uint16(len(body)+2)) //nolint:gosec // 34
	return append(segment, body...)
}
