-- additive
-- How many bytes the copies of an entity have, in PostgreSQL: a connection may have a bounded number of them. Programs that do
-- not count them change nothing of it; the end of each full pass counts anew.
{copies bytes}
