// Sends a record and reads it back: hello [HOST:PORT]
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
		log.Fatalln("hello:", err)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	// A broker of our own, in memory, unless there is one at an address.
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

	producer, err := minka.NewProducer(target, nil)
	if err != nil {
		return err
	}
	defer producer.Close()
	message := minka.Message{Topic: "greetings", Key: []byte("go"), Value: []byte("hello from go")}
	sent, err := producer.Send(ctx, message)
	if err != nil {
		return err
	}
	fmt.Printf("sent: greetings/%d@%d\n", sent.Partition, sent.Offset)

	consumer, err := minka.NewConsumer(target, nil)
	if err != nil {
		return err
	}
	defer consumer.Close()
	if err := consumer.Assign("greetings", sent.Partition, minka.AtOffset(sent.Offset)); err != nil {
		return err
	}
	records, err := consumer.Poll(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("received: %s\n", records[0].Value)
	return nil
}
