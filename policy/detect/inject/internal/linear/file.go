package linear

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// The file of a model: magic, log2 of the table's length, the numbers of
// Model as little-endian float64, then the table as a deflate stream.
const magic = "inj2"

const maxBits = 22

type header struct {
	Magic    [4]byte
	Bits     uint32
	Starts   uint64 // 0 or 1
	Relative float64
	Scale    float64
	Bias     [Kinds]float64
	Bucket   [Buckets]Calibration
}

// Encode returns the file of m. The same model makes the same bytes with the
// same Go release.
func Encode(m *Model) ([]byte, error) {
	h := header{Scale: m.Scale, Bias: m.Bias, Bucket: m.Bucket, Relative: m.Relative}
	if m.Starts {
		h.Starts = 1
	}
	copy(h.Magic[:], magic)
	for 1<<h.Bits < len(m.Table) {
		h.Bits++
	}
	if 1<<h.Bits != len(m.Table) || h.Bits > maxBits {
		return nil, fmt.Errorf("table of %d entries: the length is not a power of two below 2^%d", len(m.Table), maxBits+1)
	}
	var buf bytes.Buffer
	if err := binary.Write(&buf, binary.LittleEndian, &h); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	raw := make([]byte, len(m.Table))
	for i, w := range m.Table {
		raw[i] = byte(w)
	}
	z, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress table: %w", err)
	}
	if _, err := z.Write(raw); err != nil {
		return nil, fmt.Errorf("compress table: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress table: %w", err)
	}
	return buf.Bytes(), nil
}

// Decode reads a file made by Encode. It refuses files that are cut, too long
// or that hold numbers that are not finite, and allocates no more than the
// largest table.
func Decode(file []byte) (*Model, error) {
	r := bytes.NewReader(file)
	var h header
	if err := binary.Read(r, binary.LittleEndian, &h); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	if string(h.Magic[:]) != magic {
		return nil, errors.New("not a model file")
	}
	if h.Bits > maxBits {
		return nil, fmt.Errorf("table of 2^%d entries: at most 2^%d", h.Bits, maxBits)
	}
	if h.Starts > 1 {
		return nil, errors.New("unknown features")
	}
	finite := append([]float64{h.Scale, h.Relative}, h.Bias[:]...)
	for _, c := range h.Bucket {
		if !(c.Slope > 0) {
			return nil, errors.New("calibration slope is not above zero")
		}
		finite = append(finite, c.Slope, c.Offset)
	}
	for _, f := range finite {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, errors.New("a number of the header is not finite")
		}
	}
	z := flate.NewReader(r)
	raw := make([]byte, 1<<h.Bits)
	if _, err := io.ReadFull(z, raw); err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	if n, err := z.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return nil, errors.New("table does not end where it should")
	}
	if r.Len() != 0 {
		return nil, errors.New("bytes after the table")
	}
	m := &Model{Table: make([]int8, len(raw)), Scale: h.Scale, Bias: h.Bias, Bucket: h.Bucket, Starts: h.Starts == 1, Relative: h.Relative}
	for i, b := range raw {
		m.Table[i] = int8(b)
	}
	return m, nil
}
