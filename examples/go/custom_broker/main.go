// A broker with rules of its own: what may come in, what goes out, and who may connect.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"regexp"
	"time"

	"minka.example/minka"
)

func main() {
	if err := run(); err != nil {
		log.Fatalln("custom_broker:", err)
	}
}

var hooks = minka.Hooks{
	// Orders have a key, and get a header.
	Admission: func(order *minka.Passing) error {
		if order.Key == nil {
			return errors.New("an order needs a key")
		}
		stamp := minka.Header{Key: "stamped-by", Value: []byte("custom_broker")}
		return order.SetHeaders(append(order.Headers, stamp))
	},
	// Consumers do not see the numbers of cards.
	Delivery: func(order *minka.Passing) error {
		return order.SetValue(card.ReplaceAllFunc(order.Value, hide))
	},
	Authentication: func(login *minka.Login) error {
		if login.User != "shop" || login.Password != "secret" {
			return errors.New("wrong password")
		}
		return nil
	},
}

var card, digit = regexp.MustCompile(`card \d+`), regexp.MustCompile(`\d`)

func hide(number []byte) []byte { return digit.ReplaceAll(number, []byte("*")) }

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	broker, err := minka.Open(minka.Settings{"kafka": "127.0.0.1:0"}, &hooks)
	if err != nil {
		return err
	}
	defer broker.Close()
	events, err := broker.Events(100)
	if err != nil {
		return err
	}
	defer events.Close()

	door := minka.Address(broker.BootstrapServers())
	shop := minka.Settings{"sasl.username": "shop", "sasl.password": "secret"}
	if err := send(ctx, door, shop); err != nil {
		return err
	}
	if err := read(ctx, door, shop); err != nil {
		return err
	}
	if err := guess(door); err != nil {
		return err
	}

	for {
		event, err := events.Next(0)
		if err != nil || event == nil {
			return err
		}
		switch event.Kind {
		case minka.TopicCreated:
			fmt.Println("event: topic created:", event.Topic)
		case minka.LoginRefused:
			fmt.Println("event: login refused:", event.Client)
		}
	}
}

func send(ctx context.Context, door minka.Address, shop minka.Settings) error {
	producer, err := minka.NewProducer(door, shop)
	if err != nil {
		return err
	}
	defer producer.Close()
	order := minka.Message{Topic: "orders", Value: []byte("order 1, card 4111111111111111")}
	order.Key = []byte("shop")
	sent, err := producer.Send(ctx, order)
	if err != nil {
		return err
	}
	fmt.Printf("sent: orders/%d@%d\n", sent.Partition, sent.Offset)
	_, err = producer.Send(ctx, minka.Message{Topic: "orders", Value: []byte("order 2")})
	fmt.Println("refused:", err)
	return nil
}

func read(ctx context.Context, door minka.Address, shop minka.Settings) error {
	consumer, err := minka.NewConsumer(door, shop)
	if err != nil {
		return err
	}
	defer consumer.Close()
	if err := consumer.Assign("orders", 0, minka.Earliest()); err != nil {
		return err
	}
	records, err := consumer.Poll(ctx)
	if err != nil {
		return err
	}
	for _, record := range records {
		fmt.Printf("received: %s\n", record.Value)
		for _, header := range record.Headers {
			fmt.Printf("stamped by: %s\n", header.Value)
		}
	}
	return nil
}

func guess(door minka.Address) error {
	admin, err := minka.NewAdmin(door, minka.Settings{
		"sasl.username": "shop", "sasl.password": "guess", "default.api.timeout.ms": "5000",
	})
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.Topics()
	fmt.Println("login refused:", err)
	return nil
}
