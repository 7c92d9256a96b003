// Package files decides what an uploaded file is by its bytes, and takes out of
// pictures what tells where, when and with what they were taken (EXIF, XMP,
// IPTC, comments, hidden second pictures).
package files

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
)

// Errors of Clean.
var (
	// ErrType is for what is not taken: programs, and pictures and films whose
	// metadata cannot be removed here.
	ErrType = errors.New("files: this type is not taken")
	// ErrDamaged is for a picture that does not read as one.
	ErrDamaged = errors.New("files: the picture is damaged")
)

// Media types that are taken.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	WebP = "image/webp"
	PDF  = "application/pdf"
	Text = "text/plain"
	Zip  = "application/zip"
)

// office documents are zip files; which one the name tells, the bytes say only zip.
var office = map[string]string{
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text",
	".ods":  "application/vnd.oasis.opendocument.spreadsheet",
}

// Sniff finds the type of content by its bytes; name only tells office
// documents apart. ErrType where it is not taken.
func Sniff(name string, content []byte) (string, error) {
	found, _, _ := strings.Cut(http.DetectContentType(content), ";")
	switch found {
	case JPEG, PNG, WebP, PDF:
		return found, nil
	case Text:
		if bytes.IndexByte(content, 0) >= 0 {
			return "", ErrType
		}
		return Text, nil
	case Zip:
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			if mediaType := office[strings.ToLower(name[dot:])]; mediaType != "" {
				return mediaType, nil
			}
		}
	}
	return "", ErrType
}

// Clean returns the content without metadata, and whether this type was
// cleaned at all: documents are kept as they are.
func Clean(mediaType string, content []byte) (clean []byte, cleaned bool, err error) {
	switch mediaType {
	case JPEG:
		clean, err = cleanJPEG(content)
	case PNG:
		clean, err = cleanPNG(content)
	case WebP:
		clean, err = cleanWebP(content)
	default:
		return content, false, nil
	}
	return clean, err == nil, err
}

// Name makes a file's name harmless: its last part, without control characters
// and what file systems and headers trip over, of at most 120 characters.
func Name(sent string) string {
	if i := strings.LastIndexAny(sent, `/\`); i >= 0 {
		sent = sent[i+1:]
	}
	name := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`<>:"|?*`, r) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) || r == 0xfffd {
			return -1
		}
		return r
	}, sent))
	if len(name) > 120 {
		name = name[len(name)-120:] // the end tells the kind
	}
	clean := strings.Trim(string(name), " .")
	if clean == "" {
		return "fil"
	}
	return clean
}
