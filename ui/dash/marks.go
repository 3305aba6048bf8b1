package dash

import (
	"strconv"

	"changeover/pgxfer"
	"changeover/steps"
)

// marks remember how far each bar has been, so that a bar only moves forward within one attempt even when a total is
// corrected upwards under it.
type marks map[string]float64

// reach returns the furthest fraction seen for a key.
func (k marks) reach(name string, fraction float64) float64 {
	if seen := k[name]; seen > fraction {
		return seen
	}
	k[name] = fraction
	return fraction
}

// update takes in a view, and forgets the bars that are not in it.
func (k marks) update(v *steps.View) {
	alive := map[string]bool{}
	for i := range v.Steps {
		s := &v.Steps[i]
		if s.Transfer == nil {
			continue
		}
		note := func(name string, f float64, ok bool) {
			if ok {
				alive[name] = true
				k.reach(name, f)
			}
		}
		f, ok := overall(s.Transfer)
		note(overallKey(s), f, ok)
		for j := range s.Transfer.Workers {
			f, ok := s.Transfer.Workers[j].Fraction()
			note(workerKey(s, &s.Transfer.Workers[j]), f, ok)
		}
	}
	for name := range k {
		if !alive[name] {
			delete(k, name)
		}
	}
}

func overallKey(s *steps.StepView) string {
	return strconv.Itoa(s.Number) + "/" + strconv.Itoa(s.Attempt) + "/" + s.Transfer.Phase
}

func workerKey(s *steps.StepView, w *pgxfer.Worker) string {
	return overallKey(s) + "/" + strconv.Itoa(w.ID) + "/" + w.Kind + "/" + w.Object + "/" + strconv.Itoa(w.Part) + "/" + w.Phase
}

// overall is the fraction of the whole transfer: bytes while bytes move and there is an honest total, else items.
func overall(p *pgxfer.Progress) (float64, bool) {
	if f, ok := p.Bytes.Fraction(); ok && f < 1 {
		return f, true
	}
	return p.Items.Fraction()
}

// unfinished keeps the number of running work below 100 %: the last byte is not the COMMIT.
func unfinished(f float64) float64 { return min(f, 0.99) }
