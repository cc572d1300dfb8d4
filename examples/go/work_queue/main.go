// Two workers share ten jobs; one is tried twice, one refused: work_queue [HOST:PORT]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"time"

	"minka.example/minka"
)

func main() {
	if err := run(); err != nil {
		log.Fatalln("work_queue:", err)
	}
}

// tally is what the workers have done together.
type tally struct{ done, released, rejected atomic.Int32 }

func (t *tally) settled() bool { return t.done.Load()+t.rejected.Load() == 10 }

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
	if err := prepare(ctx, target); err != nil {
		return err
	}

	var total tally
	ended := make(chan error)
	for i := 0; i < 2; i++ {
		go func() { ended <- work(ctx, target, &total) }()
	}
	first, second := <-ended, <-ended
	if first != nil || second != nil {
		return fmt.Errorf("the workers ended with: %v, %v", first, second)
	}
	fmt.Printf("settled: %d done, %d released, %d rejected\n",
		total.done.Load(), total.released.Load(), total.rejected.Load())
	return nil
}

// prepare creates the topic and the group, and sends the jobs.
func prepare(ctx context.Context, target minka.Target) error {
	admin, err := minka.NewAdmin(target, nil)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := admin.CreateTopic("jobs", 1, nil); err != nil && !errors.Is(err, minka.TopicExists) {
		return err
	}
	settings := minka.Settings{"share.auto.offset.reset": "earliest", "minka.retry.backoff.ms": "1"}
	if err := admin.AlterGroup("workers", settings); err != nil {
		return err
	}

	producer, err := minka.NewProducer(target, nil)
	if err != nil {
		return err
	}
	defer producer.Close()
	var jobs []minka.Message
	for i := 0; i < 10; i++ {
		jobs = append(jobs, minka.Message{Topic: "jobs", Value: []byte(fmt.Sprint("job ", i))})
	}
	_, err = producer.SendMany(ctx, jobs)
	return err
}

func work(ctx context.Context, target minka.Target, total *tally) error {
	settings := minka.Settings{"group.id": "workers", "enable.auto.commit": "false"}
	worker, err := minka.NewConsumer(target, settings)
	if err != nil {
		return err
	}
	defer worker.Close()
	if err := worker.Subscribe("jobs"); err != nil {
		return err
	}
	for !total.settled() {
		records, err := worker.PollFor(ctx, 100*time.Millisecond)
		if err != nil {
			return err
		}
		for _, record := range records {
			if err := settle(worker, record, total); err != nil {
				return err
			}
		}
		if err := worker.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func settle(worker *minka.Consumer, record minka.Record, total *tally) error {
	job := string(record.Value)
	switch {
	case job == "job 7": // nobody can do it
		fmt.Println("rejected:", job)
		total.rejected.Add(1)
		return worker.Reject(record)
	case job == "job 3" && record.DeliveryCount == 1: // somebody else may, or we may later
		fmt.Println("released:", job)
		total.released.Add(1)
		return worker.Release(record)
	default:
		fmt.Println("done:", job)
		total.done.Add(1)
		return worker.Accept(record)
	}
}
