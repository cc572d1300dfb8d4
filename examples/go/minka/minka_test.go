package minka

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, settings Settings, hooks *Hooks) *Broker {
	t.Helper()
	broker, err := Open(settings, hooks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	return broker
}

func clients(t *testing.T, target Target, settings Settings) (*Producer, *Consumer) {
	t.Helper()
	producer, err := NewProducer(target, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { producer.Close() })
	consumer, err := NewConsumer(target, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { consumer.Close() })
	return producer, consumer
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	ctx := patience(t)
	producer, consumer := clients(t, open(t, nil, nil), nil)
	at, zero := time.UnixMilli(1700000000123), int32(0)
	headers := []Header{{"a", []byte{}}, {"a", nil}}
	sent, err := producer.SendMany(ctx, []Message{
		{Topic: "t", Key: []byte("k\x00"), Value: []byte{}, Timestamp: at, Headers: headers},
		{Topic: "t", Partition: &zero},
	})
	if err != nil || len(sent) != 2 || sent[1].Offset != 1 || !sent[0].Timestamp.Equal(at) {
		t.Fatal(sent, err)
	}
	if err := producer.Enqueue(Message{Topic: "t", Value: []byte("last")}); err != nil {
		t.Fatal(err)
	}
	if err := producer.Flush(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Assign("t", 0, Earliest()); err != nil {
		t.Fatal(err)
	}
	records, err := consumer.Poll(ctx)
	if err != nil || len(records) != 3 {
		t.Fatal(records, err)
	}
	full, empty := records[0], records[1]
	if string(full.Key) != "k\x00" || full.Value == nil || len(full.Value) != 0 {
		t.Error(full)
	}
	if len(full.Headers) != 2 || full.Headers[0].Value == nil || full.Headers[1].Value != nil {
		t.Error(full.Headers)
	}
	if empty.Key != nil || empty.Value != nil || empty.Headers != nil || empty.DeliveryCount != 1 {
		t.Error(empty)
	}
}

func TestErrorsHaveCodes(t *testing.T) {
	_, err := Open(Settings{"no.such.setting": "1"}, nil)
	var detailed *Error
	if !errors.Is(err, InvalidConfig) || errors.Is(err, Timeout) || !errors.As(err, &detailed) {
		t.Fatal(err)
	}
	if !strings.Contains(detailed.Error(), "no.such.setting") {
		t.Error(detailed)
	}
	if Timeout.Error() != "TIMEOUT" || !Timeout.Retriable() || Closed.Retriable() {
		t.Error(Timeout.Error())
	}
}

func TestContextsEndPolls(t *testing.T) {
	_, consumer := clients(t, open(t, nil, nil), nil)
	if err := consumer.Assign("t", 0, Earliest()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := consumer.Poll(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// The wake of the poll before does not end this one.
	records, err := consumer.PollFor(context.Background(), 20*time.Millisecond)
	if records != nil || err != nil {
		t.Error(records, err)
	}
}

func TestCloseEndsWhatWaits(t *testing.T) {
	broker := open(t, nil, nil)
	producer, consumer := clients(t, broker, nil)
	if err := consumer.Assign("t", 0, Earliest()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := consumer.Poll(context.Background())
		ended <- err
	}()
	time.AfterFunc(10*time.Millisecond, func() { consumer.Close() })
	if err := <-ended; !errors.Is(err, Closed) {
		t.Error(err)
	}
	for turn := 0; turn < 2; turn++ {
		if err := consumer.Close(); err != nil {
			t.Error(err)
		}
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := producer.Send(patience(t), Message{Topic: "t"}); !errors.Is(err, Closed) {
		t.Error(err)
	}
	if _, err := NewProducer(broker, nil); !errors.Is(err, Closed) {
		t.Error(err)
	}
	if broker.BootstrapServers() != "" {
		t.Error(broker.BootstrapServers())
	}
}

func TestHooksRefuseAndMayPanic(t *testing.T) {
	hooks := Hooks{
		Admission: func(record *Passing) error {
			switch string(record.Value) {
			case "refuse":
				return errors.New("refused by a hook")
			case "panic":
				panic("in a hook")
			case "change":
				return record.SetKey([]byte("changed"))
			}
			return nil
		},
	}
	producer, consumer := clients(t, open(t, nil, &hooks), nil)
	ctx := patience(t)
	for value, words := range map[string]string{"refuse": "refused by a hook", "panic": "in a hook"} {
		_, err := producer.Send(ctx, Message{Topic: "t", Value: []byte(value)})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Error(value, err)
		}
	}
	if _, err := producer.Send(ctx, Message{Topic: "t", Value: []byte("change")}); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Assign("t", 0, Earliest()); err != nil {
		t.Fatal(err)
	}
	records, err := consumer.Poll(ctx)
	if err != nil || string(records[0].Key) != "changed" {
		t.Error(records, err)
	}
}

func TestEventsAndTopics(t *testing.T) {
	broker := open(t, nil, nil)
	events, err := broker.Events(10)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	if event, err := events.Next(0); event != nil || err != nil {
		t.Error(event, err)
	}
	admin, err := NewAdmin(broker, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic("t", 3, Settings{"retention.ms": "1"}); err != nil {
		t.Fatal(err)
	}
	if err := admin.CreateTopic("t", 3, nil); !errors.Is(err, TopicExists) {
		t.Error(err)
	}
	event, err := events.Next(10 * time.Second)
	if err != nil || event.Kind != TopicCreated || event.Topic != "t" || event.Partition != 3 {
		t.Error(event, err)
	}
	topics, err := admin.Topics()
	if err != nil || len(topics) != 1 || topics[0].Partitions != 3 {
		t.Error(topics, err)
	}
}
