-- What follows the data: keys, indexes, references, triggers, views.
ALTER TABLE schema_migrations ADD PRIMARY KEY (version);
ALTER TABLE ar_internal_metadata ADD PRIMARY KEY (key);
ALTER TABLE customers ADD PRIMARY KEY (id);
ALTER TABLE products ADD PRIMARY KEY (id), ADD CONSTRAINT products_sku UNIQUE (sku) DEFERRABLE;
ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE order_items ADD PRIMARY KEY (order_id, line) INCLUDE (quantity);
ALTER TABLE invoices ADD PRIMARY KEY (id, issued_on);
ALTER TABLE events ADD PRIMARY KEY (id);
ALTER TABLE documents ADD PRIMARY KEY (id);
ALTER TABLE attachments ADD PRIMARY KEY (id);
ALTER TABLE teams ADD PRIMARY KEY (id);
ALTER TABLE employees ADD PRIMARY KEY (id);
ALTER TABLE room_bookings ADD PRIMARY KEY (id), ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&) WHERE (room = 1);
ALTER TABLE scans ADD PRIMARY KEY (id);
ALTER TABLE "Mixed Case Table" ADD CONSTRAINT "Mixed Key" PRIMARY KEY ("Id");
ALTER TABLE odd_values ADD PRIMARY KEY (id);
ALTER TABLE reporting.runs ADD PRIMARY KEY (id);

CREATE INDEX events_customer_time ON events (customer_id, occurred_at DESC);
CREATE INDEX events_payload ON events USING gin (payload jsonb_path_ops);
CREATE INDEX events_time_brin ON events USING brin (occurred_at);
CREATE INDEX events_failures ON events (occurred_at) WHERE kind = 'failure';
COMMENT ON INDEX events_failures IS 'Few of them';
CREATE UNIQUE INDEX customers_email ON customers (lower(email));
CREATE INDEX customers_tags ON customers USING gin (tags);
CREATE INDEX orders_customer ON orders (customer_id) INCLUDE (status);
CREATE INDEX orders_note ON orders USING hash (note);
CREATE INDEX order_items_product ON order_items (product_id);
CREATE INDEX invoices_order ON invoices (order_id);
CREATE INDEX invoices_2024_amount ON invoices_2024 (amount);
CREATE INDEX "Mixed Index" ON "Mixed Case Table" ("with space", (upper("select")));
ALTER TABLE orders CLUSTER ON orders_pkey;
ALTER TABLE customers ALTER COLUMN email SET STATISTICS 500;
ALTER TABLE products REPLICA IDENTITY USING INDEX products_pkey;
CREATE STATISTICS orders_correlation (dependencies) ON customer_id, status FROM orders;

ALTER TABLE customers ADD CONSTRAINT customers_referrer FOREIGN KEY (referrer_id) REFERENCES customers ON DELETE SET NULL;
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE order_items ADD FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE,
	ADD CONSTRAINT items_product FOREIGN KEY (product_id) REFERENCES products DEFERRABLE INITIALLY DEFERRED,
	ADD CONSTRAINT some_quantity CHECK (quantity > 0);
ALTER TABLE invoices ADD FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE events ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE attachments ADD FOREIGN KEY (document_id) REFERENCES documents NOT VALID;
ALTER TABLE teams ADD CONSTRAINT teams_lead FOREIGN KEY (lead_id) REFERENCES employees;
ALTER TABLE employees ADD CONSTRAINT employees_team FOREIGN KEY (team_id) REFERENCES teams,
	ADD CONSTRAINT employees_manager FOREIGN KEY (manager_id) REFERENCES employees;

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.updated_at := NEW.placed_at + interval '1 day';
	RETURN NEW;
END $$;
COMMENT ON FUNCTION touch_updated_at() IS 'Keeps updated_at; the sample does not read the clock';
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not allowed'; END $$;
CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON products FOR EACH STATEMENT EXECUTE FUNCTION refuse();
ALTER TABLE products DISABLE TRIGGER frozen;
CREATE FUNCTION order_count(customer integer) RETURNS bigint LANGUAGE sql STABLE
	AS 'SELECT count(*) FROM public.orders WHERE customer_id = customer';
UPDATE orders SET status = 'returned' WHERE id % 100 = 7;

CREATE VIEW reporting.customer_totals WITH (security_barrier) AS
	SELECT c.id, c.name, count(o.id) AS orders, sum(o.total) AS spent
	FROM public.customers c LEFT JOIN public.orders o ON o.customer_id = c.id GROUP BY c.id;
GRANT SELECT ON reporting.customer_totals TO PUBLIC;
CREATE MATERIALIZED VIEW reporting.monthly_revenue AS
	SELECT date_trunc('month', placed_at AT TIME ZONE 'UTC')::date AS month, status, sum(total) AS revenue, count(*) AS orders
	FROM public.orders GROUP BY 1, 2;
CREATE UNIQUE INDEX monthly_revenue_key ON reporting.monthly_revenue (month, status);
COMMENT ON MATERIALIZED VIEW reporting.monthly_revenue IS 'Refreshed every night';
CREATE MATERIALIZED VIEW reporting.yearly_revenue AS
	SELECT extract(year FROM month)::integer AS year, sum(revenue) AS revenue FROM reporting.monthly_revenue GROUP BY 1;
CREATE MATERIALIZED VIEW reporting.someday AS SELECT id FROM public.orders WITH NO DATA;
