-- name: job_data.create
INSERT INTO job_data (job, master, sealed) VALUES ($1, $2, $3)

-- name: job_data.get
SELECT job, organization, workspace, master, sealed FROM job_data JOIN job ON job.id = job_data.job WHERE job = $1

-- name: job_data.delete
DELETE FROM job_data WHERE job = $1

-- name: job_data.masters
SELECT master, count(*) FROM job_data GROUP BY master

-- name: job_data.under_other_master
SELECT job, organization, workspace, master, sealed FROM job_data JOIN job ON job.id = job_data.job WHERE master <> $1 AND job > $2 ORDER BY job LIMIT $3

-- name: job_data.rewrap
UPDATE job_data SET master = $2, sealed = $3 WHERE job = $1 AND master = $4
