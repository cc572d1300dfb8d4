package minka

// #include <minka.h>
import "C"

import "sync"

// handle counts the calls that use a handle of C, so that Close may come from any goroutine: it
// ends the calls that wait, and the last of them frees the memory.
type handle struct {
	mutex sync.Mutex
	users int
	ended bool
	free  func()
}

// use runs f while nobody frees the handle.
func (h *handle) use(f func() error) error {
	h.mutex.Lock()
	if h.ended {
		h.mutex.Unlock()
		return &Error{Closed, "it has been closed"}
	}
	h.users++
	h.mutex.Unlock()
	defer h.leave()
	return f()
}

// call calls C while nobody frees the handle.
func (h *handle) call(f func() C.minka_status) error {
	return h.use(func() error { return call(f) })
}

// close ends the handle by calling end; the second time nothing is left to do.
func (h *handle) close(end func() C.minka_status) error {
	h.mutex.Lock()
	if h.ended {
		h.mutex.Unlock()
		return nil
	}
	h.ended = true
	h.users++
	h.mutex.Unlock()
	defer h.leave()
	return call(end)
}

func (h *handle) leave() {
	h.mutex.Lock()
	h.users--
	last := h.ended && h.users == 0
	h.mutex.Unlock()
	if last {
		h.free()
	}
}
