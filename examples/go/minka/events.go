package minka

// #include <minka.h>
import "C"

import (
	"errors"
	"time"
)

// EventKind is what happened. New ones may be added.
type EventKind int32

// The kinds of events.
const (
	Missed          EventKind = C.MINKA_EVENT_MISSED // Text says how many
	Closing         EventKind = C.MINKA_EVENT_CLOSING
	TopicCreated    EventKind = C.MINKA_EVENT_TOPIC_CREATED
	TopicDeleted    EventKind = C.MINKA_EVENT_TOPIC_DELETED
	TopicChanged    EventKind = C.MINKA_EVENT_TOPIC_CHANGED
	PartitionsAdded EventKind = C.MINKA_EVENT_PARTITIONS_ADDED
	MemberJoined    EventKind = C.MINKA_EVENT_MEMBER_JOINED
	MemberLeft      EventKind = C.MINKA_EVENT_MEMBER_LEFT
	GroupDeleted    EventKind = C.MINKA_EVENT_GROUP_DELETED
	DeadLettered    EventKind = C.MINKA_EVENT_DEAD_LETTERED
	Connected       EventKind = C.MINKA_EVENT_CONNECTED
	Disconnected    EventKind = C.MINKA_EVENT_DISCONNECTED
	LoginRefused    EventKind = C.MINKA_EVENT_LOGIN_REFUSED
)

// Event is something that happened. What does not apply is empty, or -1.
type Event struct {
	Kind                         EventKind
	Time                         time.Time
	Partition                    int32
	Offset                       int64
	Topic, Group, Member, Client string
	Text                         string
}

// Events are the events of a broker. One goroutine at a time may use them; Close may come from any.
type Events struct {
	handle
	raw *C.minka_events
}

// Events are the events from now on, of which so many are kept until they are taken; of those
// behind that only the number is told.
func (b *Broker) Events(capacity int) (*Events, error) {
	if capacity < 1 {
		capacity = 1
	}
	events := &Events{}
	err := b.call(func() C.minka_status {
		return C.minka_events_open(b.raw, C.size_t(capacity), &events.raw)
	})
	if err != nil {
		return nil, err
	}
	events.free = func() { C.minka_events_free(events.raw) }
	return events, nil
}

// Next waits for the next event; nil when the time is over.
func (e *Events) Next(timeout time.Duration) (*Event, error) {
	var event *Event
	err := e.use(func() error {
		var raw C.minka_event
		err := call(func() C.minka_status {
			return C.minka_events_next(e.raw, milliseconds(timeout), &raw)
		})
		if err != nil {
			return err
		}
		event = &Event{
			Kind:      EventKind(raw.kind),
			Time:      time.UnixMilli(int64(raw.time)),
			Partition: int32(raw.partition),
			Offset:    int64(raw.offset),
			Topic:     text(raw.topic),
			Group:     text(raw.group),
			Member:    text(raw.member),
			Client:    text(raw.client),
			Text:      text(raw.text),
		}
		return nil
	})
	if errors.Is(err, Timeout) {
		return nil, nil
	}
	return event, err
}

// Close ends the stream: events are kept no longer.
func (e *Events) Close() error {
	return e.close(func() C.minka_status { return C.minka_events_close(e.raw) })
}
