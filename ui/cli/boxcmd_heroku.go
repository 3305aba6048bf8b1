package cli

import (
	"context"
	"fmt"
	"net/url"

	"changeover/ec2"
	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/rundir"
)

// askHeroku finds where the app's database is, how large, and whether a machine of ours can reach it at all.
func (u *boxUp) askHeroku(ctx context.Context) error {
	token, err := findToken(rundir.Dir{}, steps.Config{PlatformURL: u.platformURL})
	if err != nil {
		return err
	}
	client, err := newHeroku(u.platformURL, u.dataURL, token)
	if err != nil {
		return err
	}
	defer client.Close()
	app, err := client.App(ctx, u.app)
	if err != nil {
		return fmt.Errorf("looking for app %s: %w", u.app, err)
	}
	addon, err := u.findDatabase(ctx, client)
	if err != nil {
		return err
	}
	db, err := client.Database(ctx, addon.ID)
	if err != nil {
		return fmt.Errorf("asking Heroku about %s: %w", addon.Name, err)
	}
	// A twentieth more: it grows until it is dumped.
	u.Bytes = max(db.NumBytes+db.NumBytes/20, 1<<30)
	if addon.Plan.Spec().Tier.InSpace() {
		u.inSpace = &spaceDatabase{app: app, addon: addon}
	}
	if u.region == "" {
		u.region, err = databaseRegion(app, db)
	}
	return err
}

// findDatabase is the add-on behind the attachment that was named, or with the name.
func (u *boxUp) findDatabase(ctx context.Context, client *heroku.Client) (heroku.Addon, error) {
	attachments, err := client.AppAttachments(ctx, u.app)
	if err != nil {
		return heroku.Addon{}, fmt.Errorf("listing the databases of %s: %w", u.app, err)
	}
	for _, at := range attachments {
		if at.Name != u.database && at.Addon.Name != u.database {
			continue
		}
		addon, err := client.Addon(ctx, at.Addon.ID)
		if err == nil && !addon.Postgres() {
			err = fmt.Errorf("%s of %s is not a PostgreSQL database; name another attachment with --database", u.database, u.app)
		}
		return addon, err
	}
	return heroku.Addon{}, fmt.Errorf("%s has no database %s; name its attachment with --database", u.app, u.database)
}

// databaseRegion is the AWS region of a database: its host's name tells where it really is, which counts for a database
// that belongs to an app elsewhere; else it is where the app is.
func databaseRegion(app heroku.App, db heroku.Database) (string, error) {
	if at, err := url.Parse(db.ResourceURL.Reveal()); err == nil {
		if region, ok := ec2.OfHost(at.Hostname()); ok {
			return region, nil
		}
	}
	return ec2.OfHeroku(app.Region.Name)
}

// spaceDatabase is a database in a Private Space. It has no public address: it lets in only who shows a certificate and
// comes from an address that it was told about, or who comes over a PrivateLink.
type spaceDatabase struct {
	app   heroku.App
	addon heroku.Addon
}

// notes say before anything is paid for what must be done before the box is of any use.
func (d spaceDatabase) notes(region string) []string {
	space := "a Private Space"
	if d.app.Space != nil {
		space = "Private Space " + d.app.Space.Name
	}
	return []string{
		fmt.Sprintf("%s (%s) is in %s: a machine outside cannot reach it until you let it in", d.addon.Name, d.addon.Plan.Spec().Plan, space),
		"by mutual TLS, once the box has an address; how is printed then. The databases that steps 1, 5 and 7 make need the same",
		fmt.Sprintf("or by PrivateLink from a VPC of yours in %s; then name a subnet of that VPC with --subnet", region),
	}
}

// letIn are the commands that let the box in, now that its address is known.
func (d spaceDatabase) letIn(address string) string {
	return fmt.Sprintf(`
%[1]s does not know this box yet. Let it in before you set up the run, and see that it answers:
  heroku plugins:install mtls
  heroku data:mtls:create %[1]s -a %[2]s
  heroku data:mtls:ip-rules:create %[1]s -a %[2]s --cidr %[3]s/32 --description "changeover box"
  heroku data:mtls:certificates:create %[1]s -a %[2]s
It takes some minutes. On the box, certificate and key belong into ~/.postgresql/postgresql.crt and postgresql.key (mode 0600).
`, d.addon.Name, d.app.Name, address)
}
