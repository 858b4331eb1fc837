package gpio

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The compiler itself refuses another size, for each GOARCH that is built.
var (
	_ [68]byte  = [unsafe.Sizeof(chipInfo{})]byte{}
	_ [256]byte = [unsafe.Sizeof(lineInfo{})]byte{}
	_ [592]byte = [unsafe.Sizeof(lineRequest{})]byte{}
	_ [272]byte = [unsafe.Sizeof(lineConfig{})]byte{}
	_ [24]byte  = [unsafe.Sizeof(configAttribute{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(lineAttribute{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(lineValues{})]byte{}
	_ [48]byte  = [unsafe.Sizeof(lineEvent{})]byte{}
)

// Offsets as a C compiler gives them for linux/gpio.h, on 32 and 64 bits.
func TestFieldsLieWhereTheKernelLooks(t *testing.T) {
	for name, field := range map[string]struct{ got, want uintptr }{
		"chip_info.label":             {unsafe.Offsetof(chipInfo{}.Label), 32},
		"chip_info.lines":             {unsafe.Offsetof(chipInfo{}.Lines), 64},
		"attribute.debounce":          {unsafe.Offsetof(lineAttribute{}.DebounceUS), 8},
		"config_attribute.mask":       {unsafe.Offsetof(configAttribute{}.Mask), 16},
		"config.num_attrs":            {unsafe.Offsetof(lineConfig{}.NumAttrs), 8},
		"config.attrs":                {unsafe.Offsetof(lineConfig{}.Attrs), 32},
		"request.consumer":            {unsafe.Offsetof(lineRequest{}.Consumer), 256},
		"request.config":              {unsafe.Offsetof(lineRequest{}.Config), 288},
		"request.num_lines":           {unsafe.Offsetof(lineRequest{}.NumLines), 560},
		"request.event_buffer_size":   {unsafe.Offsetof(lineRequest{}.EventBufferSize), 564},
		"request.fd":                  {unsafe.Offsetof(lineRequest{}.FD), 588},
		"line_info.consumer":          {unsafe.Offsetof(lineInfo{}.Consumer), 32},
		"line_info.offset":            {unsafe.Offsetof(lineInfo{}.Offset), 64},
		"line_info.flags":             {unsafe.Offsetof(lineInfo{}.Flags), 72},
		"line_info.attrs":             {unsafe.Offsetof(lineInfo{}.Attrs), 80},
		"values.mask":                 {unsafe.Offsetof(lineValues{}.Mask), 8},
		"event.id":                    {unsafe.Offsetof(lineEvent{}.ID), 8},
		"event.line_seqno":            {unsafe.Offsetof(lineEvent{}.LineSeqno), 20},
		"bytes that lineinfo asks":    {unix.GPIO_V2_GET_LINEINFO_IOCTL >> 16 & 0x3fff, unsafe.Sizeof(lineInfo{})},
		"bytes that a request asks":   {unix.GPIO_V2_GET_LINE_IOCTL >> 16 & 0x3fff, unsafe.Sizeof(lineRequest{})},
		"bytes that values ask":       {unix.GPIO_V2_LINE_GET_VALUES_IOCTL >> 16 & 0x3fff, unsafe.Sizeof(lineValues{})},
		"bytes that a chip's info is": {unix.GPIO_GET_CHIPINFO_IOCTL >> 16 & 0x3fff, unsafe.Sizeof(chipInfo{})},
	} {
		if field.got != field.want {
			t.Errorf("%s is %d, want %d", name, field.got, field.want)
		}
	}
}
