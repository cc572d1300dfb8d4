package minka

// #include "hooks.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"time"
	"unsafe"
)

// Hooks are what a broker asks. One that is nil costs nothing.
//
// A hook is called on a thread of the broker, or on one that is in a call of a client in this
// process; whoever else that thread serves waits meanwhile. It may be called by several threads at
// once. It may use clients, but not wait for what needs the hook itself, and close neither the
// broker nor the client that it is called for. A panic in it is a failure: at admission and at a
// login that refuses, at delivery nothing is decided and it is tried again.
type Hooks struct {
	// Admission is asked about each record before it is appended. An error refuses the record,
	// and with it its batch: its text is the reason that the client is told.
	Admission func(*Passing) error
	// Delivery is asked about each record before a consumer gets it, each time. An error leaves it
	// out; in a queue group it counts as accepted.
	Delivery func(*Passing) error
	// Authentication is asked about the user name and password (SASL/PLAIN) of each connection from
	// the network; an error is the reason that the client is told.
	Authentication func(*Login) error
}

// Passing is a record that passes a hook. Its bytes are copies.
type Passing struct {
	Topic      string
	Partition  int32
	Offset     int64 // -1 at admission, where it has none yet
	Timestamp  time.Time
	Key, Value []byte // nil for null
	Headers    []Header
	ClientID   string
	User       string // empty where nobody has to log in
	Address    string // HOST:PORT; empty for a client in this process

	verdict *C.minka_verdict
}

// SetKey has the record go on with another key.
func (p *Passing) SetKey(key []byte) error {
	var memory arena
	defer memory.free()
	to := memory.bytes(key)
	return call(func() C.minka_status { return C.minka_verdict_set_key(p.verdict, to) })
}

// SetValue has the record go on with another value.
func (p *Passing) SetValue(value []byte) error {
	var memory arena
	defer memory.free()
	to := memory.bytes(value)
	return call(func() C.minka_status { return C.minka_verdict_set_value(p.verdict, to) })
}

// SetHeaders has the record go on with other headers.
func (p *Passing) SetHeaders(headers []Header) error {
	var memory arena
	defer memory.free()
	to, count := memory.headers(headers)
	return call(func() C.minka_status {
		return C.minka_verdict_set_headers(p.verdict, to, count)
	})
}

// Login is somebody who wants to be let in.
type Login struct {
	User, Password string
	Address        string // HOST:PORT
}

// give hands the hooks to C, which says by minkaRelease when it needs them no more.
func (h *Hooks) give(config *C.minka_config) error {
	if h == nil {
		return nil
	}
	sets := []struct {
		hook any
		set  bool
		give func(C.uintptr_t) C.minka_status
	}{
		{h.Admission, h.Admission != nil, func(hook C.uintptr_t) C.minka_status {
			return C.minka_go_on_admission(config, hook)
		}},
		{h.Delivery, h.Delivery != nil, func(hook C.uintptr_t) C.minka_status {
			return C.minka_go_on_delivery(config, hook)
		}},
		{h.Authentication, h.Authentication != nil, func(hook C.uintptr_t) C.minka_status {
			return C.minka_go_on_authentication(config, hook)
		}},
	}
	for _, one := range sets {
		if !one.set {
			continue
		}
		hook := cgo.NewHandle(one.hook)
		err := call(func() C.minka_status { return one.give(C.uintptr_t(hook)) })
		if err != nil {
			hook.Delete()
			return err
		}
	}
	return nil
}

//export minkaGoRecord
func minkaGoRecord(hook C.uintptr_t, raw *C.minka_passing, verdict *C.minka_verdict) {
	record := &Passing{
		Topic:     text(raw.topic),
		Partition: int32(raw.partition),
		Offset:    int64(raw.offset),
		Timestamp: time.UnixMilli(int64(raw.timestamp)),
		Key:       bytes(raw.key),
		Value:     bytes(raw.value),
		Headers:   headers(raw.headers, raw.header_count),
		ClientID:  text(raw.client_id),
		User:      text(raw.user),
		Address:   text(raw.address),
		verdict:   verdict,
	}
	ask := cgo.Handle(hook).Value().(func(*Passing) error)
	guarded(verdict, func() error { return ask(record) })
}

//export minkaGoLogin
func minkaGoLogin(hook C.uintptr_t, raw *C.minka_login, verdict *C.minka_verdict) C.bool {
	login := &Login{text(raw.user), text(raw.password), text(raw.address)}
	ask := cgo.Handle(hook).Value().(func(*Login) error)
	return C.bool(guarded(verdict, func() error { return ask(login) }))
}

//export minkaGoRelease
func minkaGoRelease(hook C.uintptr_t) { cgo.Handle(hook).Delete() }

// guarded asks a hook. An error refuses, and a panic, which must not leave through C, is a failure.
func guarded(verdict *C.minka_verdict, ask func() error) (passes bool) {
	var memory arena
	defer memory.free()
	defer func() {
		if panicked := recover(); panicked != nil {
			reason := memory.text(fmt.Sprintf("a hook panicked: %v", panicked))
			C.minka_verdict_fail(verdict, reason)
			passes = false
		}
	}()
	if err := ask(); err != nil {
		C.minka_verdict_refuse(verdict, memory.text(err.Error()))
		return false
	}
	return true
}

// headers copies the headers that C shows.
func headers(first *C.minka_header, count C.size_t) []Header {
	if count == 0 {
		return nil
	}
	copies := make([]Header, count)
	for i, raw := range unsafe.Slice(first, int(count)) {
		copies[i] = Header{text(raw.key), bytes(raw.value)}
	}
	return copies
}
