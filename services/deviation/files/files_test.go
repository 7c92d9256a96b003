package files

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

func picture() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for x := range 40 {
		for y := range 30 {
			m.Set(x, y, color.RGBA{uint8(x * 6), uint8(y * 8), 200, 255})
		}
	}
	return m
}

const secret = "SECRET-PLACE"

func segment(mark byte, body string) []byte {
	s := []byte{0xff, mark}
	s = binary.BigEndian.AppendUint16(s, uint16(len(body)+2))
	return append(s, body...)
}

// photo is a JPEG with EXIF (orientation 6 and a place), XMP, IPTC, a comment,
// a thumbnail in JFXX, and a second picture behind its end.
func photo(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, picture(), nil))
	plain := b.Bytes()
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + "\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00" + "\x00\x00\x00\x00" + secret
	in := append([]byte{}, plain[:2]...)
	in = append(in, segment(markAPP1, exif)...)
	in = append(in, segment(markAPP1, "http://ns.adobe.com/xap/1.0/\x00"+secret)...)
	in = append(in, segment(0xed, "Photoshop 3.0\x00"+secret)...)
	in = append(in, segment(markCOM, secret)...)
	in = append(in, segment(markAPP0, "JFXX\x00"+secret)...)
	in = append(in, plain[2:]...)
	return append(in, append([]byte(secret), plain...)...)
}

func TestPhotosLoseWhereAndWhenTheyWereTaken(t *testing.T) {
	t.Parallel()
	in := photo(t)
	mediaType, err := Sniff("photo.jpg", in)
	require.NoError(t, err)
	out, cleaned, err := Clean(mediaType, in)
	require.NoError(t, err)
	require.True(t, cleaned)
	require.NotContains(t, string(out), secret)
	m, err := jpeg.Decode(bytes.NewReader(out))
	require.NoError(t, err)
	want, err := jpeg.Decode(bytes.NewReader(in))
	require.NoError(t, err)
	require.Equal(t, want, m, "the picture itself is untouched")
	at := bytes.Index(out, []byte("Exif\x00\x00"))
	require.Positive(t, at)
	require.Equal(t, uint16(6), exifOrientation(out[at:]), "it does not lie on its side")
	again, _, err := Clean(JPEG, out)
	require.NoError(t, err)
	require.Equal(t, out, again)
}

func chunk(name, body string) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(append(c, name...), body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

func TestScreenshotsLoseTheirTexts(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, picture()))
	plain := b.Bytes()
	const header = 8 + 25
	in := append([]byte{}, plain[:header]...)
	for _, name := range []string{"tEXt", "iTXt", "eXIf", "tIME", "prVt"} {
		in = append(in, chunk(name, secret)...)
	}
	in = append(append(in, plain[header:]...), secret...)
	out, cleaned, err := Clean(PNG, in)
	require.NoError(t, err)
	require.True(t, cleaned)
	require.Equal(t, plain, out)
}

func riff(name, body string) []byte {
	c := append([]byte(name), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	c = append(c, body...)
	if len(body)%2 == 1 {
		c = append(c, 0)
	}
	return c
}

func TestWebPLosesItsMetadata(t *testing.T) {
	t.Parallel()
	body := append([]byte("WEBP"), riff("VP8X", "\x0c\x00\x00\x00\x01\x00\x00\x01\x00\x00")...)
	body = append(body, riff("VP8L", "pixels")...)
	kept := len(body)
	body = append(body, riff("EXIF", secret+"x")...)
	body = append(body, riff("XMP ", secret)...)
	in := append(append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...), body...)
	mediaType, err := Sniff("x", in)
	require.NoError(t, err)
	out, cleaned, err := Clean(mediaType, append(in, secret...))
	require.NoError(t, err)
	require.True(t, cleaned)
	require.NotContains(t, string(out), secret)
	require.Len(t, out, kept+8)
	require.Equal(t, uint32(kept), binary.LittleEndian.Uint32(out[4:]))
	require.Zero(t, out[20]&webpMetadata)
}

func TestTypesAreFoundByTheirBytes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name, content, want string
	}{
		"a program called a picture":     {"x.jpg", "MZ\x90\x00\x03\x00\x00\x00", ""},
		"a page called text":             {"x.txt", "<html><script>", ""},
		"a text":                         {"x.txt", "just words æøå", Text},
		"a document":                     {"x.pdf", "%PDF-1.7 ...", PDF},
		"an office document":             {"X.DOCX", "PK\x03\x04....", office[".docx"]},
		"an archive":                     {"x.zip", "PK\x03\x04....", ""},
		"a picture we cannot clean":      {"x.gif", "GIF89a......", ""},
		"a phone's picture we cannot":    {"x.heic", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", ""},
		"a film":                         {"x.mp4", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", ""},
		"a drawing that can hold script": {"x.svg", `<?xml version="1.0"?><svg>`, ""},
		"empty":                          {"x.txt", "", Text},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Sniff(test.name, []byte(test.content))
			if test.want == "" {
				require.ErrorIs(t, err, ErrType)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestNamesAreHarmless(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"bilde.png": "bilde.png", `C:\Users\ola\bilde.png`: "bilde.png", "../../etc/passwd": "passwd", "a\r\nb: c.txt": "ab c.txt",
		"": "fil", "...": "fil", "gnp.\u202eexe": "gnp.exe", "blåbær.jpg": "blåbær.jpg",
	} {
		require.Equal(t, want, Name(sent))
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x08Exif\x00\x00\xff\xd9"))
	f.Add(append([]byte(pngSignature), chunk("IEND", "")...)) //nolint:unconvert // append needs its own copy
	f.Add([]byte("RIFF\x04\x00\x00\x00WEBP"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, mediaType := range []string{JPEG, PNG, WebP} {
			out, cleaned, err := Clean(mediaType, in)
			if err != nil {
				require.ErrorIs(t, err, ErrDamaged)
				continue
			}
			require.True(t, cleaned)
			again, _, err := Clean(mediaType, out)
			require.NoError(t, err)
			require.Equal(t, out, again, "clean is clean")
		}
	})
}
