// A broker on the disk, in this process and on a socket at once; what it keeps outlives it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"minka.example/minka"
)

func main() {
	if err := run(); err != nil {
		log.Fatalln("broker_in_process:", err)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	directory, err := os.MkdirTemp("", "minka-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)

	broker, err := open(directory)
	if err != nil {
		return err
	}
	defer broker.Close()
	if err := send(ctx, broker, "in process"); err != nil {
		return err
	}
	if err := send(ctx, minka.Address(broker.BootstrapServers()), "over a socket"); err != nil {
		return err
	}
	if err := read(ctx, broker, 2); err != nil {
		return err
	}
	if err := broker.Close(); err != nil {
		return err
	}

	again, err := open(directory)
	if err != nil {
		return err
	}
	defer again.Close()
	if err := send(ctx, again, "after a restart"); err != nil {
		return err
	}
	if err := read(ctx, again, 1); err != nil {
		return err
	}
	return again.Close()
}

func open(directory string) (*minka.Broker, error) {
	broker, err := minka.Open(minka.Settings{"data": directory, "kafka": "127.0.0.1:0"}, nil)
	if err == nil {
		fmt.Println("ready:", broker.BootstrapServers())
	}
	return broker, err
}

func send(ctx context.Context, target minka.Target, value string) error {
	producer, err := minka.NewProducer(target, nil)
	if err != nil {
		return err
	}
	defer producer.Close()
	_, err = producer.Send(ctx, minka.Message{Topic: "events", Value: []byte(value)})
	return err
}

// read reads so many records as a member of the group readers, and commits them by closing.
func read(ctx context.Context, target minka.Target, count int) error {
	consumer, err := minka.NewConsumer(target, minka.Settings{
		"group.id":          "readers",
		"group.type":        "partitions",
		"auto.offset.reset": "earliest",
	})
	if err != nil {
		return err
	}
	defer consumer.Close()
	if err := consumer.Subscribe("events"); err != nil {
		return err
	}
	for count > 0 {
		records, err := consumer.Poll(ctx)
		if err != nil {
			return err
		}
		for _, record := range records {
			fmt.Printf("received: %s\n", record.Value)
		}
		count -= len(records)
	}
	return consumer.Close()
}
