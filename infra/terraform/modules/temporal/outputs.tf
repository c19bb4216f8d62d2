output "database_host" {
  description = "Private address of the database."
  value       = google_sql_database_instance.this.private_ip_address
}

output "instance" {
  description = "Name of the instance."
  value       = google_sql_database_instance.this.name
}
