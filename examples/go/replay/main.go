// Reads a topic from the start, from an offset and from a time: replay [HOST:PORT]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"minka.example/minka"
)

func main() {
	if err := run(); err != nil {
		log.Fatalln("replay:", err)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var target minka.Target
	if len(os.Args) > 1 {
		target = minka.Address(os.Args[1])
	} else {
		broker, err := minka.Open(nil, nil)
		if err != nil {
			return err
		}
		defer broker.Close()
		target = broker
	}
	noon := time.UnixMilli(1700000000000)
	if err := measure(ctx, target, noon); err != nil {
		return err
	}

	consumer, err := minka.NewConsumer(target, nil)
	if err != nil {
		return err
	}
	defer consumer.Close()
	if err := consumer.Assign("temperatures", 0, minka.Earliest()); err != nil {
		return err
	}
	if err := readToTheEnd(ctx, consumer, "from the start:"); err != nil {
		return err
	}
	if err := consumer.Seek("temperatures", 0, minka.AtOffset(3)); err != nil {
		return err
	}
	if err := readToTheEnd(ctx, consumer, "from offset 3:"); err != nil {
		return err
	}
	if err := consumer.Seek("temperatures", 0, minka.AtTime(noon.Add(2*time.Minute))); err != nil {
		return err
	}
	return readToTheEnd(ctx, consumer, "from time 1700000120000:")
}

// measure makes the topic anew and sends five temperatures, one a minute.
func measure(ctx context.Context, target minka.Target, from time.Time) error {
	admin, err := minka.NewAdmin(target, nil)
	if err != nil {
		return err
	}
	defer admin.Close()
	err = admin.DeleteTopic("temperatures")
	if err != nil && !errors.Is(err, minka.UnknownTopicOrPartition) {
		return err
	}
	if err := admin.CreateTopic("temperatures", 1, nil); err != nil {
		return err
	}

	producer, err := minka.NewProducer(target, nil)
	if err != nil {
		return err
	}
	defer producer.Close()
	var messages []minka.Message
	for i := 0; i < 5; i++ {
		messages = append(messages, minka.Message{
			Topic:     "temperatures",
			Value:     []byte(fmt.Sprint(20 + i)),
			Timestamp: from.Add(time.Duration(i) * time.Minute),
		})
	}
	_, err = producer.SendMany(ctx, messages)
	return err
}

// readToTheEnd prints the values from here to the end, which is offset 5.
func readToTheEnd(ctx context.Context, consumer *minka.Consumer, title string) error {
	fmt.Print(title)
	for next := int64(0); next < 5; {
		records, err := consumer.Poll(ctx)
		if err != nil {
			return err
		}
		for _, record := range records {
			fmt.Printf(" %s", record.Value)
			next = record.Offset + 1
		}
	}
	fmt.Println()
	return nil
}
