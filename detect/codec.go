// This file encodes summaries: small, the same bytes for the same summary, and safe to
// decode whatever the bytes are.

package detect

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// The encoding of a summary is
//
//	magic, the layout's hash, the length of the rest unpacked, the rest packed with flate
//
// where the rest is a table of the strings that occur, sorted and each without what it has
// in common with the one before, and then the summary itself:
//
//	string   its number in the table
//	integer  varint
//	slice    length, elements
//	struct   a bit for each field that is not zero, then these fields; for a bool the bit is all
//	pointer  as what it points to; there are no nil ones
//
// The layout's hash stands for the types and fields of Summary and all in it. What another
// version has encoded is refused as a whole. Other plain data is encoded alike (see memo).
const codecMagic = "mms2"

var errCodec = errors.New("not made by this version of mapmigrate")

// maxSummary bounds what decoding allocates for one summary.
const maxSummary = 1 << 30

// layouts keeps what layout has worked out, by type.
var layouts sync.Map

func layout(of reflect.Type) [8]byte {
	if id, ok := layouts.Load(of); ok {
		return id.([8]byte)
	}
	var b strings.Builder
	seen := map[reflect.Type]bool{}
	var describe func(t reflect.Type)
	describe = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice:
			b.WriteString(t.Kind().String() + " ")
			describe(t.Elem())
		case reflect.Struct:
			b.WriteString(t.Name() + "{")
			if !seen[t] {
				seen[t] = true
				for i := range t.NumField() {
					b.WriteString(t.Field(i).Name + " ")
					describe(t.Field(i).Type)
					b.WriteByte(';')
				}
			}
			b.WriteByte('}')
		default:
			b.WriteString(t.Kind().String())
		}
	}
	describe(of)
	sum := sha256.Sum256([]byte(b.String()))
	id := [8]byte(sum[:8])
	layouts.Store(of, id)
	return id
}

// Encode returns the summary's bytes; equal summaries have equal bytes.
func (s *Summary) Encode() ([]byte, error) { return encode(reflect.ValueOf(s).Elem()) }

func encode(v reflect.Value) ([]byte, error) {
	table := map[string]int{"": 0}
	eachString(v, func(s string) { table[s] = 0 })
	strs := make([]string, 0, len(table))
	for s := range table {
		strs = append(strs, s)
	}
	slices.Sort(strs)
	var body []byte
	body = binary.AppendUvarint(body, uint64(len(strs)))
	prev := ""
	for i, s := range strs {
		table[s] = i
		n := 0
		for n < len(s) && n < len(prev) && s[n] == prev[n] {
			n++
		}
		body = binary.AppendUvarint(body, uint64(n))
		body = binary.AppendUvarint(body, uint64(len(s)-n))
		body = append(body, s[n:]...)
		prev = s
	}
	body = appendValue(body, v, table)

	var out bytes.Buffer
	out.WriteString(codecMagic)
	id := layout(v.Type())
	out.Write(id[:])
	out.Write(binary.AppendUvarint(nil, uint64(len(body))))
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func eachString(v reflect.Value, f func(string)) {
	switch v.Kind() {
	case reflect.String:
		f(v.String())
	case reflect.Pointer:
		eachString(v.Elem(), f)
	case reflect.Slice:
		if k := v.Type().Elem().Kind(); k == reflect.String || k == reflect.Struct || k == reflect.Pointer || k == reflect.Slice {
			for i := range v.Len() {
				eachString(v.Index(i), f)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			eachString(v.Field(i), f)
		}
	}
}

// isZero is reflect's, but for slices: an empty one is as good as none.
func isZero(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		for i := range v.NumField() {
			if !isZero(v.Field(i)) {
				return false
			}
		}
		return true
	}
	return v.IsZero()
}

func appendValue(b []byte, v reflect.Value, table map[string]int) []byte {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(b, v.Uint())
	case reflect.String:
		return binary.AppendUvarint(b, uint64(table[v.String()]))
	case reflect.Pointer:
		return appendValue(b, v.Elem(), table)
	case reflect.Slice:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		for i := range v.Len() {
			b = appendValue(b, v.Index(i), table)
		}
		return b
	case reflect.Struct:
		var bits uint64
		for i := range v.NumField() {
			if !isZero(v.Field(i)) {
				bits |= 1 << i
			}
		}
		b = binary.AppendUvarint(b, bits)
		for i := range v.NumField() {
			if bits&(1<<i) != 0 && v.Field(i).Kind() != reflect.Bool {
				b = appendValue(b, v.Field(i), table)
			}
		}
		return b
	}
	panic("detect: what is encoded holds a " + v.Type().String() + ", which the codec does not know")
}

// GobEncode makes a summary small as a fact, too.
func (s *Summary) GobEncode() ([]byte, error) { return s.Encode() }

// GobDecode is the inverse of GobEncode.
func (s *Summary) GobDecode(data []byte) error {
	t, err := DecodeSummary(data)
	if err == nil {
		*s = *t
	}
	return err
}

// DecodeSummary is the inverse of Encode. It fails for anything that Encode of this
// version has not made.
func DecodeSummary(data []byte) (*Summary, error) {
	s := new(Summary)
	if err := decode(data, reflect.ValueOf(s).Elem()); err != nil {
		return nil, err
	}
	return s, nil
}

func decode(data []byte, into reflect.Value) (err error) {
	id := layout(into.Type())
	rest, ok := bytes.CutPrefix(data, []byte(codecMagic+string(id[:])))
	if !ok {
		return errCodec
	}
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > maxSummary {
		return errCodec
	}
	// One byte more than promised tells data that is too long.
	body, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(rest[n:])), int64(size)+1))
	if err != nil {
		return fmt.Errorf("%w: %v", errCodec, err)
	}
	if uint64(len(body)) != size {
		return errCodec
	}
	defer func() {
		if r := recover(); r != nil {
			if r != errCodec {
				panic(r)
			}
			err = errCodec
		}
	}()
	d := &decoder{data: body}
	d.strings()
	d.value(into)
	if len(d.data) > 0 {
		return errCodec
	}
	return nil
}

// A decoder reads an encoded body. It panics with errCodec when that is not one.
type decoder struct {
	data []byte
	strs []string
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		panic(errCodec)
	}
	d.data = d.data[n:]
	return v
}

// length reads how many elements follow: each of them takes a byte at least.
func (d *decoder) length() int {
	n := d.uvarint()
	if n > uint64(len(d.data)) {
		panic(errCodec)
	}
	return int(n)
}

func (d *decoder) strings() {
	d.strs = make([]string, d.length())
	prev := ""
	for i := range d.strs {
		common := d.uvarint()
		n := d.length()
		if common > uint64(len(prev)) {
			panic(errCodec)
		}
		prev = prev[:common] + string(d.data[:n])
		d.data = d.data[n:]
		d.strs[i] = prev
	}
}

func (d *decoder) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(d.uvarint() != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, n := binary.Varint(d.data)
		if n <= 0 || v.OverflowInt(i) {
			panic(errCodec)
		}
		d.data = d.data[n:]
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u := d.uvarint()
		if v.OverflowUint(u) {
			panic(errCodec)
		}
		v.SetUint(u)
	case reflect.String:
		i := d.uvarint()
		if i >= uint64(len(d.strs)) {
			panic(errCodec)
		}
		v.SetString(d.strs[i])
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(v.Elem())
	case reflect.Slice:
		n := d.length()
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			d.value(v.Index(i))
		}
	case reflect.Struct:
		bits := d.uvarint()
		if bits>>v.NumField() != 0 {
			panic(errCodec)
		}
		for i := range v.NumField() {
			switch f := v.Field(i); {
			case bits&(1<<i) == 0:
			case f.Kind() == reflect.Bool:
				f.SetBool(true)
			default:
				d.value(f)
			}
		}
	}
}
