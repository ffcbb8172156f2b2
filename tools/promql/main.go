// Asks Prometheus' own query engine over series that it is given: JSON on standard input, JSON on standard
// output. For the tests of the chart's dashboard and alerts; a whole promtool takes many times as long to build.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// asked is what comes in; times are in seconds.
type asked struct {
	Series []struct {
		Labels  map[string]string
		Samples [][2]float64
	}
	Queries []query
}

type query struct {
	Expr             string
	Start, End, Step float64
	Text             string // a template, as it stands in an alert's annotation
}

// row is one series of an answer.
type row struct {
	Labels map[string]string `json:"labels"`
	Points [][2]float64      `json:"points"`
	Text   string            `json:"text"`
}

type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// memory is a storage of the series that were given.
type memory []storage.Series

func (m memory) Querier(_, _ int64) (storage.Querier, error) { return m, nil }
func (m memory) Close() error                                { return nil }

func (m memory) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (m memory) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (m memory) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	found := &set{at: -1}
	for _, series := range m {
		if all(series.Labels(), matchers) {
			found.series = append(found.series, series)
		}
	}
	return found
}

func all(of labels.Labels, matchers []*labels.Matcher) bool {
	for _, matcher := range matchers {
		if !matcher.Matches(of.Get(matcher.Name)) {
			return false
		}
	}
	return true
}

type set struct {
	series []storage.Series
	at     int
}

func (s *set) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *set) At() storage.Series                { return s.series[s.at] }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

func main() {
	var given asked
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fail(err)
	}
	answers := make([][]row, 0, len(given.Queries))
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	for _, each := range given.Queries {
		rows, err := answer(engine, kept(given), each)
		if err != nil {
			fail(fmt.Errorf("%s: %w", each.Expr, err))
		}
		answers = append(answers, rows)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func kept(given asked) memory {
	var found memory
	for _, each := range given.Series {
		var samples []chunks.Sample
		for _, point := range each.Samples {
			samples = append(samples, sample{int64(point[0] * 1000), point[1]})
		}
		found = append(found, storage.NewListSeries(labels.FromMap(each.Labels), samples))
	}
	return found
}

func moment(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)) }

func answer(engine *promql.Engine, series memory, asked query) ([]row, error) {
	ctx := context.Background()
	step := time.Duration(asked.Step * float64(time.Second))
	running, err := engine.NewRangeQuery(ctx, series, nil, asked.Expr, moment(asked.Start), moment(asked.End), step)
	if err != nil {
		return nil, err
	}
	defer running.Close()
	result := running.Exec(ctx)
	if result.Err != nil {
		return nil, result.Err
	}
	matrix, err := result.Matrix()
	if err != nil {
		return nil, err
	}
	rows := []row{}
	for _, found := range matrix {
		each := row{Labels: found.Metric.Map(), Points: [][2]float64{}}
		for _, point := range found.Floats {
			if point.F == point.F { // what is no number cannot be told in JSON, and is no answer
				each.Points = append(each.Points, [2]float64{float64(point.T) / 1000, point.F})
			}
		}
		if len(each.Points) == 0 {
			continue
		}
		if each.Text, err = told(ctx, asked.Text, each); err != nil {
			return nil, err
		}
		rows = append(rows, each)
	}
	return rows, nil
}

// told is what a person reads of an alert, as Prometheus writes it.
func told(ctx context.Context, text string, of row) (string, error) {
	last := of.Points[len(of.Points)-1]
	data := template.AlertTemplateData(of.Labels, nil, "", promql.Sample{F: last[1]})
	text = "{{$labels := .Labels}}{{$value := .Value}}" + text
	return template.NewTemplateExpander(ctx, text, "alert", data, model.Time(last[0]*1000), nil, &url.URL{}, nil).Expand()
}
