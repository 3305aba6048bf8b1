package steps

import (
	"fmt"
	"strings"

	"changeover/heroku"
)

// Card is the break-glass card: the raw Heroku commands that bring production back by hand, for the moment when neither
// this program nor its machine can be used. It says what is right for the run as it stands, holds no secret, and needs
// nothing but the facts of the run, so that it can be made while Heroku and the engine are out of reach.
//
// Before point of no return 1 it brings production back on old-primary. Behind it that would lose writes, so the card
// opens production on the database that serves, and says so.
func Card(l Look) string {
	c := &card{look: l, Config: l.Config()}
	c.add("BREAK-GLASS CARD · run %s · app %s", c.Run, strings.Join(c.Apps(), ", "))
	if c.Rehearsal {
		c.add("REHEARSAL: everything below is about a simulated Heroku at %s.", c.PlatformURL)
	}
	c.add("")
	serves, step := c.situation()
	c.add("")
	c.add("You need the Heroku CLI, logged in (heroku login). Nothing here deletes anything. Do it in this order.")
	c.inspect()
	c.database(serves)
	c.scale(step)
	c.open(step)
	c.check(serves)
	c.ledger()
	return strings.Join(c.lines, "\n") + "\n"
}

type card struct {
	Config
	look  Look
	lines []string
	steps int
}

func (c *card) add(format string, args ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

// step begins the next numbered thing to do.
func (c *card) step(format string, args ...any) {
	c.steps++
	c.add("")
	c.add("%d. %s", c.steps, fmt.Sprintf(format, args...))
}

// command is a line to copy.
func (c *card) command(format string, args ...any) { c.add("     "+format, args...) }

// situation says in which of the three worlds the run is: which database must serve, and which outage recorded what ran.
func (c *card) situation() (serves Role, outage int) {
	facts := c.look.Facts()
	if lossy, ok := FactLossy.Get(facts); ok {
		c.add("On %s somebody decided to go back to old-primary WITH LOSS.", lossy.Began.UTC().Format("2006-01-02 15:04:05 MST"))
		if !lossy.Counted.IsZero() {
			c.add("Lost: %s.", lossy.Loss)
		}
		c.add("The writes since are in %s: DO NOT delete that. This card finishes the way back.", whereLost(c.look))
		if step := c.recordedBy(0, 9, 3); step >= 0 {
			return OldPrimary, step
		}
		return OldPrimary, 0
	}
	if since, ok := FactNoReturn2.Get(facts); ok {
		c.add("The app runs on final-primary since %s.", since.UTC().Format("2006-01-02 15:04:05 MST"))
		c.add("DO NOT go back to old-primary or fast-primary: every write since then would be lost.")
		c.add("This card opens production on final-primary.")
		return FinalPrimary, 9
	}
	if since, ok := FactNoReturn1.Get(facts); ok {
		c.add("The app runs on fast-primary since %s.", since.UTC().Format("2006-01-02 15:04:05 MST"))
		c.add("DO NOT go back to old-primary: every write since then would be lost.")
		c.add("This card opens production on fast-primary.")
		if c.recorded(9) {
			return FastPrimary, 9
		}
		return FastPrimary, 8
	}
	c.add("This card brings production back on old-primary, as it was before the migration. Nothing is lost:")
	c.add("the run has not started a process of the app on another database.")
	if !c.recorded(3) {
		c.add("As far as this run knows the app has not been taken down: look first, perhaps there is nothing to do.")
	}
	return OldPrimary, 3
}

// recorded says whether the outage of a step has noted what ran before.
func (c *card) recorded(step int) bool {
	for _, app := range c.Apps() {
		if _, ok := c.formation(step, app); ok {
			return true
		}
	}
	return false
}

// recordedBy is the first of these steps whose outage has noted what ran before, -1 when none has.
func (c *card) recordedBy(steps ...int) int {
	for _, step := range steps {
		if c.recorded(step) {
			return step
		}
	}
	return -1
}

// formation is what must run again: step 8 ends the outage that step 3 began.
func (c *card) formation(step int, app string) (Formation, bool) {
	if step == 8 {
		step = 3
	}
	return FactFormation(step, app).Get(c.look.Facts())
}

func (c *card) inspect() {
	c.step("If the machine of the run still works, stop the program there, so that it does not work against you:")
	c.command("changeover pause --run %s", c.Run)
	c.step("Look. Which add-on is \"as DATABASE\"? Is maintenance on? What runs?")
	for _, app := range c.Apps() {
		c.command("heroku addons -a %s", app)
		c.command("heroku maintenance -a %s", app)
		c.command("heroku ps -a %s", app)
	}
}

func (c *card) database(serves Role) {
	name := addonName(c.look, serves)
	c.step("DATABASE must be %s, which is %s. Leave this out for an app where it is already:", serves, name)
	for _, app := range c.Apps() {
		c.command("heroku pg:promote %s -a %s", name, app)
	}
	c.add("   If that says it cannot find the database, or DATABASE is missing altogether:")
	for _, app := range c.Apps() {
		c.command("heroku addons:attach %s --as %s -a %s --confirm %s", name, heroku.DatabaseAttachment, app, app)
	}
	c.add("   A release that failed leaves the app without DATABASE_URL. Was the last one \"succeeded\"?")
	for _, app := range c.Apps() {
		c.command("heroku releases -n 5 -a %s", app)
	}
}

func (c *card) scale(step int) {
	known := false
	for _, app := range c.Apps() {
		if f, ok := c.formation(step, app); ok && len(f.Processes) > 0 {
			if !known {
				c.step("Start the processes, exactly as they were recorded before the outage:")
			}
			known = true
			c.command("heroku ps:scale %s -a %s", scaleArguments(f), app)
		}
	}
	if !known {
		c.step("Processes: this run has scaled nothing, or has scaled it back already. heroku ps (above) should show them.")
	}
}

// scaleArguments are type=quantity:size as ps:scale takes them. A type that does not run has no need of a size.
func scaleArguments(f Formation) string {
	var parts []string
	for _, p := range f.Processes {
		part := fmt.Sprintf("%s=%d", p.Type, p.Quantity)
		if p.Quantity > 0 && p.Size != "" {
			part += ":" + p.Size
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func (c *card) open(step int) {
	if c.recorded(step) {
		c.step("Wait until the processes are \"up\", then let the users in:")
	} else {
		c.step("This run keeps nobody out. If maintenance is on all the same, and nobody wants it:")
	}
	for _, app := range c.Apps() {
		if f, ok := c.formation(step, app); ok && f.Maintenance {
			c.add("     (%s was in maintenance mode before the run, so leave it on)", app)
			continue
		}
		c.command("heroku maintenance:off -a %s", app)
	}
}

func (c *card) check(serves Role) {
	c.step("Make sure. Errors about the database in the log? Is %s written to?", serves)
	for _, app := range c.Apps() {
		c.command("heroku ps -a %s", app)
		c.command("heroku logs --tail -a %s", app)
	}
	c.command("heroku pg:info %s -a %s", addonName(c.look, serves), c.App)
	c.command("heroku pg:ps %s -a %s", addonName(c.look, serves), c.App)
}

// ledger lists what exists, so that nobody deletes the wrong thing in a hurry or forgets what is billed.
func (c *card) ledger() {
	c.add("")
	c.add("Databases of this run. Delete none of them tonight; they can wait, and are billed until somebody does:")
	for _, role := range Roles {
		switch db, ok := FactDatabase(role).Get(c.look.Facts()); {
		case role == OldPrimary && (!ok || db.Alive()):
			c.add("     %-15s %s (existed before the run)", role, c.OldPrimary.Name)
		case ok && db.Alive():
			c.add("     %-15s %s", role, db.Name)
		}
	}
}
