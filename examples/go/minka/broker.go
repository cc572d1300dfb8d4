package minka

// #include <minka.h>
import "C"

import "time"

// Broker is a broker in this process. Any number of goroutines may use it; its clients may
// outlive it.
type Broker struct {
	handle
	raw *C.minka_broker
}

// Open opens a broker. Its settings are those of the program broker, by the same names, and: data,
// the data directory, without which everything is in memory and gone when it is closed; copy-of, a
// data directory that a broker in memory begins with a copy of; kafka, HOST:PORT of the door for
// Kafka clients, without which there is none; advertise; log-level. The hooks may be nil.
func Open(settings Settings, hooks *Hooks) (*Broker, error) {
	broker := &Broker{}
	err := configure(settings, func(config *C.minka_config) error {
		if err := hooks.give(config); err != nil {
			return err
		}
		return call(func() C.minka_status { return C.minka_broker_open(config, &broker.raw) })
	})
	if err != nil {
		return nil, err
	}
	broker.free = func() { C.minka_broker_free(broker.raw) }
	return broker, nil
}

func (b *Broker) open(f func(*C.minka_broker, C.minka_bytes) error) error {
	return b.use(func() error { return f(b.raw, C.minka_none()) })
}

// Listen opens the door for Kafka clients, at HOST:PORT, of a broker that has none.
func (b *Broker) Listen(address string) error {
	var memory arena
	defer memory.free()
	at := memory.text(address)
	return b.call(func() C.minka_status { return C.minka_broker_listen(b.raw, at) })
}

// BootstrapServers is where Kafka clients connect to, as HOST:PORT; empty without a door, and of a
// broker that was closed.
func (b *Broker) BootstrapServers() string {
	var servers C.minka_bytes
	found := ""
	// What is closed has no door any more.
	_ = b.use(func() error {
		err := call(func() C.minka_status {
			return C.minka_broker_bootstrap_servers(b.raw, &servers)
		})
		if err == nil {
			found = text(servers)
		}
		return err
	})
	return found
}

// AdvanceClock moves the broker's clock forward. When it returns, everything that was due by then
// has happened.
func (b *Broker) AdvanceClock(by time.Duration) error {
	return b.call(func() C.minka_status {
		return C.minka_broker_advance_clock(b.raw, C.int64_t(by.Milliseconds()))
	})
}

// WaitUntilIdle waits until everything that is visible is committed, or settled, by a group; by all
// groups if the name is empty.
func (b *Broker) WaitUntilIdle(group string, timeout time.Duration) error {
	var memory arena
	defer memory.free()
	name := C.minka_none()
	if group != "" {
		name = memory.text(group)
	}
	return b.call(func() C.minka_status {
		return C.minka_broker_wait_until_idle(b.raw, name, milliseconds(timeout))
	})
}

// Snapshot copies what the broker holds into a directory, which must be empty or absent.
func (b *Broker) Snapshot(directory string) error {
	var memory arena
	defer memory.free()
	to := memory.text(directory)
	return b.call(func() C.minka_status { return C.minka_broker_snapshot(b.raw, to) })
}

// Close closes the broker: what was acknowledged is on the disk.
func (b *Broker) Close() error {
	return b.close(func() C.minka_status { return C.minka_broker_close(b.raw) })
}
