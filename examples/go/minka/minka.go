// Package minka is a broker that speaks Kafka's protocol inside a Go program, and clients for it,
// for minka behind an address, and for any Kafka broker. It stands on minka.h by cgo.
//
// Everything that is opened is closed, by any goroutine: Close ends calls that wait, with Closed,
// as does every call after it. A Broker, Producer and Admin may be used by any number of
// goroutines, a Consumer and Events by one at a time.
package minka

// #cgo pkg-config: minka
// #include <minka.h>
// #include <stdlib.h>
import "C"

import (
	"context"
	"math"
	"runtime"
	"time"
	"unsafe"
)

// Settings are what something is opened with, by name: {"linger.ms": "5"}.
type Settings map[string]string

// Target is what a client is opened on: a *Broker of this process, or an Address.
type Target interface {
	// open calls f with the two arguments that stand for the target in C.
	open(f func(broker *C.minka_broker, servers C.minka_bytes) error) error
}

// Address is where brokers are: HOST:PORT, with commas between several.
type Address string

func (a Address) open(f func(*C.minka_broker, C.minka_bytes) error) error {
	var memory arena
	defer memory.free()
	return f(nil, memory.text(string(a)))
}

// Error is what a call returns: a code for programs and a sentence for people.
type Error struct {
	Code     Code
	Sentence string
}

// Error is the sentence.
func (e *Error) Error() string { return e.Sentence }

// Is says whether the error has this code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// call calls C and turns its answer into an error. The sentence belongs to the thread, which must
// not change in between.
func call(f func() C.minka_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := f()
	if status == C.MINKA_OK {
		return nil
	}
	return &Error{Code(status), text(C.minka_last_error())}
}

// configure makes a config of C, hands it to f and frees it.
func configure(settings Settings, f func(*C.minka_config) error) error {
	config := C.minka_config_new()
	defer C.minka_config_free(config)
	var memory arena
	defer memory.free()
	for name, value := range settings {
		n, v := memory.text(name), memory.text(value)
		err := call(func() C.minka_status { return C.minka_config_set(config, n, v) })
		if err != nil {
			return err
		}
	}
	return f(config)
}

// arena is memory of C, freed all at once: what C is given must not point to pointers of Go.
type arena struct{ blocks []unsafe.Pointer }

func (a *arena) alloc(count int, size uintptr) unsafe.Pointer {
	block := C.calloc(C.size_t(count)+1, C.size_t(size))
	a.blocks = append(a.blocks, block)
	return block
}

func (a *arena) bytes(bytes []byte) C.minka_bytes {
	if bytes == nil {
		return C.minka_none()
	}
	block := C.CBytes(bytes)
	a.blocks = append(a.blocks, block)
	return C.minka_bytes{data: (*C.uint8_t)(block), len: C.size_t(len(bytes))}
}

func (a *arena) text(text string) C.minka_bytes { return a.bytes([]byte(text)) }

func (a *arena) headers(headers []Header) (*C.minka_header, C.size_t) {
	if len(headers) == 0 {
		return nil, 0
	}
	first := (*C.minka_header)(a.alloc(len(headers), C.sizeof_minka_header))
	raw := unsafe.Slice(first, len(headers))
	for i, header := range headers {
		raw[i] = C.minka_header{key: a.text(header.Key), value: a.bytes(header.Value)}
	}
	return first, C.size_t(len(headers))
}

func (a *arena) free() {
	for _, block := range a.blocks {
		C.free(block)
	}
}

// text copies what C shows.
func text(bytes C.minka_bytes) string {
	return C.GoStringN((*C.char)(unsafe.Pointer(bytes.data)), C.int(bytes.len))
}

// bytes copies what C shows; nil for null.
func bytes(bytes C.minka_bytes) []byte {
	if bytes.data == nil {
		return nil
	}
	return append([]byte{}, unsafe.Slice((*byte)(bytes.data), int(bytes.len))...)
}

// milliseconds is a timeout for C; without end if it is longer than anybody waits.
func milliseconds(timeout time.Duration) C.int64_t {
	if timeout == forever {
		return -1
	}
	ms := C.int64_t(timeout / time.Millisecond)
	if timeout%time.Millisecond > 0 {
		ms++ // what is left of a deadline must not become an endless row of zeros
	}
	return ms
}

const forever = time.Duration(math.MaxInt64)

// timeLeft is how long a context lets something take.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return forever
	}
	if left := time.Until(deadline); left > 0 {
		return left
	}
	return 0
}
