-- A token is made for one address of the studio (RFC 8707) and opens no other.
-- NULL is what was made before this column, when the server listened on loopback alone: it is for
-- this machine's own doors, whatever their port, and for no public one.
ALTER TABLE tokens
    ADD COLUMN resource text
        CHECK (length(resource) BETWEEN 1 AND 500 AND resource ~ '^https?://[^[:space:]?#]+$');
