package minka

// #include <minka.h>
import "C"

import "unsafe"

// Admin creates, changes and deletes topics and groups. Any number of goroutines may use it.
type Admin struct {
	handle
	raw *C.minka_admin
}

// Topic is a topic in a list of topics.
type Topic struct {
	Name, ID   string
	Partitions int32
}

// NewAdmin opens an admin, which connects to nothing yet. Its settings have their Kafka names, such
// as default.api.timeout.ms; minka.h lists them at minka_admin_open.
func NewAdmin(target Target, settings Settings) (*Admin, error) {
	admin := &Admin{}
	err := configure(settings, func(config *C.minka_config) error {
		return target.open(func(broker *C.minka_broker, servers C.minka_bytes) error {
			return call(func() C.minka_status {
				return C.minka_admin_open(broker, servers, config, &admin.raw)
			})
		})
	})
	if err != nil {
		return nil, err
	}
	admin.free = func() { C.minka_admin_free(admin.raw) }
	return admin, nil
}

// CreateTopic creates a topic, with -1 for the broker's default number of partitions.
func (a *Admin) CreateTopic(name string, partitions int32, settings Settings) error {
	return a.change(name, settings, func(
		topic C.minka_bytes, changes *C.minka_change, count C.size_t,
	) C.minka_status {
		return C.minka_admin_create_topic(a.raw, topic, C.int32_t(partitions), changes, count)
	})
}

// DeleteTopic deletes a topic with its records.
func (a *Admin) DeleteTopic(name string) error {
	var memory arena
	defer memory.free()
	topic := memory.text(name)
	return a.call(func() C.minka_status { return C.minka_admin_delete_topic(a.raw, topic) })
}

// AlterGroup changes settings of a group, all or none. The group may come later.
func (a *Admin) AlterGroup(name string, settings Settings) error {
	return a.change(name, settings, func(
		group C.minka_bytes, changes *C.minka_change, count C.size_t,
	) C.minka_status {
		return C.minka_admin_alter_group(a.raw, group, changes, count)
	})
}

// Topics lists all topics, by name in order.
func (a *Admin) Topics() ([]Topic, error) {
	var list *C.minka_topics
	err := a.call(func() C.minka_status { return C.minka_admin_topics(a.raw, &list) })
	if err != nil {
		return nil, err
	}
	defer C.minka_topics_free(list)
	topics := make([]Topic, int(C.minka_topics_count(list)))
	for i := range topics {
		var raw C.minka_topic
		err := call(func() C.minka_status { return C.minka_topics_get(list, C.size_t(i), &raw) })
		if err != nil {
			return nil, err
		}
		topics[i] = Topic{text(raw.name), text(raw.id), int32(raw.partition_count)}
	}
	return topics, nil
}

// Close ends the admin.
func (a *Admin) Close() error {
	return a.close(func() C.minka_status { return C.minka_admin_close(a.raw) })
}

func (a *Admin) change(
	name string,
	settings Settings,
	f func(name C.minka_bytes, changes *C.minka_change, count C.size_t) C.minka_status,
) error {
	var memory arena
	defer memory.free()
	changes := (*C.minka_change)(memory.alloc(len(settings), C.sizeof_minka_change))
	raw := unsafe.Slice(changes, len(settings))[:0]
	for name, value := range settings {
		raw = append(raw, C.minka_change{name: memory.text(name), value: memory.text(value)})
	}
	of := memory.text(name)
	return a.call(func() C.minka_status { return f(of, changes, C.size_t(len(raw))) })
}
