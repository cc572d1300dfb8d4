package minka

// #include <minka.h>
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// Message is a record to send.
type Message struct {
	Topic      string
	Key, Value []byte // nil for null
	Headers    []Header
	Timestamp  time.Time // zero for now
	// Partition chooses the partition; nil has the key choose it.
	Partition *int32
}

// Header is a header of a record. Its key may occur more than once.
type Header struct {
	Key   string
	Value []byte // nil for null
}

// Receipt says where a record ended up. Offset and ID are -1 where the broker does not tell them.
type Receipt struct {
	Partition  int32
	Offset, ID int64
	Timestamp  time.Time
}

// Producer sends records. Any number of goroutines may use one at the same time.
type Producer struct {
	handle
	raw *C.minka_producer
}

// NewProducer opens a producer, which connects to nothing yet. Its settings have their Kafka names,
// such as linger.ms; minka.h lists them at minka_producer_open.
func NewProducer(target Target, settings Settings) (*Producer, error) {
	producer := &Producer{}
	err := configure(settings, func(config *C.minka_config) error {
		return target.open(func(broker *C.minka_broker, servers C.minka_bytes) error {
			return call(func() C.minka_status {
				return C.minka_producer_open(broker, servers, config, &producer.raw)
			})
		})
	})
	if err != nil {
		return nil, err
	}
	producer.free = func() { C.minka_producer_free(producer.raw) }
	return producer, nil
}

// Send sends a record and waits until it is stored. When the context ends before, the record may
// still be stored.
func (p *Producer) Send(ctx context.Context, message Message) (Receipt, error) {
	receipts, err := p.SendMany(ctx, []Message{message})
	if err != nil {
		return Receipt{}, err
	}
	return receipts[0], nil
}

// SendMany sends records and waits until they are stored: they go in batches, so this takes little
// longer than sending one. The error is that of the first one that was not stored.
func (p *Producer) SendMany(ctx context.Context, messages []Message) ([]Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// It goes on when the context ends, and keeps its memory until then.
	type outcome struct {
		receipts []Receipt
		err      error
	}
	ended := make(chan outcome, 1)
	go func() {
		receipts, err := p.sendMany(messages, timeLeft(ctx))
		ended <- outcome{receipts, err}
	}()
	select {
	case result := <-ended:
		return result.receipts, result.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *Producer) sendMany(messages []Message, timeout time.Duration) ([]Receipt, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	var memory arena
	defer memory.free()
	count := C.size_t(len(messages))
	first := (*C.minka_message)(memory.alloc(len(messages), C.sizeof_minka_message))
	stored := (*C.minka_receipt)(memory.alloc(len(messages), C.sizeof_minka_receipt))
	for i, raw := 0, unsafe.Slice(first, len(messages)); i < len(messages); i++ {
		raw[i] = memory.message(messages[i])
	}
	err := p.call(func() C.minka_status {
		return C.minka_producer_send_many(p.raw, first, count, milliseconds(timeout), stored, nil)
	})
	if err != nil {
		return nil, err
	}
	receipts := make([]Receipt, len(messages))
	for i, raw := range unsafe.Slice(stored, len(messages)) {
		receipts[i] = Receipt{
			Partition: int32(raw.partition),
			Offset:    int64(raw.offset),
			ID:        int64(raw.id),
			Timestamp: time.UnixMilli(int64(raw.timestamp)),
		}
	}
	return receipts, nil
}

func (a *arena) message(message Message) C.minka_message {
	raw := C.minka_message{
		topic:     a.text(message.Topic),
		partition: -1,
		key:       a.bytes(message.Key),
		value:     a.bytes(message.Value),
		timestamp: -1,
	}
	raw.headers, raw.header_count = a.headers(message.Headers)
	if message.Partition != nil {
		raw.partition = C.int32_t(*message.Partition)
	}
	if !message.Timestamp.IsZero() {
		raw.timestamp = C.int64_t(message.Timestamp.UnixMilli())
	}
	return raw
}

// Enqueue sends a record and does not wait for what becomes of it. Flush waits for all.
func (p *Producer) Enqueue(message Message) error {
	var memory arena
	defer memory.free()
	raw := (*C.minka_message)(memory.alloc(1, C.sizeof_minka_message))
	*raw = memory.message(message)
	return p.call(func() C.minka_status {
		return C.minka_producer_send_async(p.raw, raw, nil, nil)
	})
}

// Flush waits until every record that was sent before is stored or has failed.
func (p *Producer) Flush(timeout time.Duration) error {
	return p.call(func() C.minka_status {
		return C.minka_producer_flush(p.raw, milliseconds(timeout))
	})
}

// Close takes no more records, waits for those that were sent, and ends the producer.
func (p *Producer) Close() error {
	return p.close(func() C.minka_status { return C.minka_producer_close(p.raw, -1) })
}
