package sim

type scheduleJSON struct {
	UUID         string `json:"uuid"`
	Name         string `json:"name"`
	Hour         int    `json:"hour"`
	Timezone     string `json:"timezone"`
	RetainWeeks  int    `json:"retain_weeks"`
	RetainMonths int    `json:"retain_months"`
}

// listSchedules lists the backup schedules of a database, which no other database inherits.
func (s *Server) listSchedules(r *request) (reply, error) {
	d, err := s.databaseOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(append([]scheduleJSON{}, d.schedules...)), nil
}

// listLinks lists data links, of which the simulator has none.
func (s *Server) listLinks(r *request) (reply, error) {
	if _, err := s.databaseOf(r); err != nil {
		return reply{}, err
	}
	return ok([]any{}), nil
}
