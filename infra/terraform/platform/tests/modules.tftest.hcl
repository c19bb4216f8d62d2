# What each module makes, whatever the sizes: private, versioned, protected.
mock_provider "google" {
  override_during = plan

  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project = "my-project"
  region  = "europe-west4"
  labels  = {}
}

run "storage" {
  command = plan
  module {
    source = "../modules/storage"
  }
  variables {
    name             = "my-project-titrate"
    location         = "europe-west4"
    landing_days     = 30
    noncurrent_days  = 90
    soft_delete_days = 30
    force_destroy    = false
  }

  assert {
    condition     = google_storage_bucket.objects.public_access_prevention == "enforced" && google_storage_bucket.objects.uniform_bucket_level_access
    error_message = "The bucket could be made public."
  }
  assert {
    condition     = google_storage_bucket.objects.versioning[0].enabled && google_storage_bucket.objects.soft_delete_policy[0].retention_duration_seconds == 2592000
    error_message = "What is deleted could not be had back."
  }
  assert {
    condition = jsonencode([for rule in google_storage_bucket.objects.lifecycle_rule : [
      one(rule.condition).matches_prefix,
      one(rule.condition).days_since_custom_time,
      one(rule.condition).days_since_noncurrent_time,
      one(rule.condition).age,
      ] if one(rule.action).type == "Delete"]) == jsonencode([
      [["landing/"], 30, null, null],
      [null, null, 90, null],
      [["staging/"], null, null, 14],
    ])
    error_message = "Lifecycle: ${jsonencode(google_storage_bucket.objects.lifecycle_rule)}"
  }
  assert {
    condition     = length(google_storage_bucket.objects.encryption) == 0 && !google_storage_bucket.objects.force_destroy
    error_message = "Without a key of one's own it is Google's."
  }
}

run "storage_with_a_key" {
  command = plan
  module {
    source = "../modules/storage"
  }
  variables {
    name             = "my-project-titrate"
    location         = "europe-west4"
    landing_days     = 30
    noncurrent_days  = 90
    soft_delete_days = 30
    force_destroy    = false
    kms_key          = "projects/my-project/locations/europe-west4/keyRings/titrate/cryptoKeys/titrate"
  }

  assert {
    condition     = google_storage_bucket.objects.encryption[0].default_kms_key_name == var.kms_key
    error_message = "The key is not used."
  }
}

run "network" {
  command = plan
  module {
    source = "../modules/network"
  }
  variables {
    name          = "titrate"
    node_tag      = "titrate-node"
    flow_sampling = 0.5
    ranges        = { nodes = "10.10.0.0/20", pods = "10.12.0.0/15", services = "10.10.16.0/20", control_plane = "172.16.10.0/28" }
  }

  assert {
    condition     = !google_compute_network.this.auto_create_subnetworks && google_compute_subnetwork.nodes.private_ip_google_access
    error_message = "Nodes reach Google's APIs without leaving the network."
  }
  assert {
    condition     = google_compute_router_nat.this.nat_ip_allocate_option == "AUTO_ONLY" && google_compute_router_nat.this.source_subnetwork_ip_ranges_to_nat == "LIST_OF_SUBNETWORKS"
    error_message = "What leaves goes through NAT."
  }
  assert {
    condition = alltrue([
      for rule in [google_compute_firewall.webhooks, google_compute_firewall.dataflow] :
      !contains(coalesce(rule.source_ranges, []), "0.0.0.0/0") && length(rule.target_tags) > 0
    ])
    error_message = "A rule lets everybody in."
  }
  assert {
    condition     = length(google_compute_firewall.deny_ingress.deny) == 1 && length(google_compute_firewall.deny_ingress.allow) == 0
    error_message = "The last rule refuses."
  }
}

run "cluster" {
  command = plan
  module {
    source = "../modules/cluster"
  }
  variables {
    name                  = "titrate"
    location              = "europe-west4"
    network               = "projects/my-project/global/networks/titrate"
    subnetwork            = "projects/my-project/regions/europe-west4/subnetworks/titrate-nodes"
    node_tag              = "titrate-node"
    control_plane_range   = "172.16.10.0/28"
    authorized_networks   = { nodes = "10.10.0.0/20" }
    control_plane_by_name = true
    deletion_protection   = true
    pools = {
      cpu  = { machine_type = "e2-standard-4", spot = false, min = 2, max = 20, disk_gb = 100 }
      spot = { machine_type = "e2-standard-8", spot = true, min = 0, max = 14, disk_gb = 100 }
      gpu  = { machine_type = "n1-standard-8", spot = false, min = 0, max = 8, disk_gb = 100, accelerator = { type = "nvidia-tesla-t4", count = 1 } }
      none = { machine_type = "n1-standard-8", spot = false, min = 0, max = 0, disk_gb = 100 }
    }
  }

  assert {
    condition = (
      google_container_cluster.this.private_cluster_config[0].enable_private_nodes &&
      google_container_cluster.this.private_cluster_config[0].enable_private_endpoint &&
      !google_container_cluster.this.master_authorized_networks_config[0].gcp_public_cidrs_access_enabled
    )
    error_message = "Nodes or control plane have public addresses."
  }
  assert {
    condition     = google_container_cluster.this.workload_identity_config[0].workload_pool == "my-project.svc.id.goog"
    error_message = "Pods have no identities of their own."
  }
  assert {
    condition     = google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH" && google_container_cluster.this.monitoring_config[0].managed_prometheus[0].enabled
    error_message = "Network policies or Managed Prometheus are missing."
  }
  assert {
    condition     = google_container_cluster.this.deletion_protection && google_container_cluster.this.release_channel[0].channel == "REGULAR"
    error_message = "The cluster could be deleted, or nobody upgrades it."
  }
  assert {
    condition     = join(", ", keys(google_container_node_pool.this)) == "cpu, gpu, spot"
    error_message = "A pool of none is none: ${jsonencode(keys(google_container_node_pool.this))}"
  }
  assert {
    condition = alltrue([
      for name, pool in google_container_node_pool.this :
      pool.autoscaling[0].total_min_node_count == var.pools[name].min && pool.autoscaling[0].total_max_node_count == var.pools[name].max
    ])
    error_message = "Bounds of the pools."
  }
  assert {
    condition = alltrue([
      for pool in google_container_node_pool.this :
      pool.node_config[0].workload_metadata_config[0].mode == "GKE_METADATA" &&
      pool.node_config[0].shielded_instance_config[0].enable_secure_boot &&
      pool.node_config[0].labels["titrate.dev/pool"] == pool.name
    ])
    error_message = "A pool whose pods get the node's account, or without secure boot or its label."
  }
  assert {
    condition = (
      google_container_node_pool.this["spot"].node_config[0].spot &&
      google_container_node_pool.this["spot"].node_config[0].taint[0].key == "cloud.google.com/gke-spot" &&
      google_container_node_pool.this["gpu"].node_config[0].guest_accelerator[0].type == "nvidia-tesla-t4"
    )
    error_message = "Spot machines are tainted, GPU machines have a GPU."
  }
}

run "registry" {
  command = plan
  module {
    source = "../modules/registry"
  }
  variables {
    name              = "titrate"
    node_account      = "titrate-nodes@my-project.iam.gserviceaccount.com"
    keep_versions     = 20
    delete_after_days = 180
  }

  assert {
    condition     = google_artifact_registry_repository.this.docker_config[0].immutable_tags
    error_message = "A tag could be pushed over."
  }
  assert {
    condition     = length(google_artifact_registry_repository.this.cleanup_policies) == 3 && !google_artifact_registry_repository.this.cleanup_policy_dry_run
    error_message = "Old images stay for ever."
  }
}

run "warehouse" {
  command = plan
  module {
    source = "../modules/warehouse"
  }
  variables {
    dataset             = "titrate"
    location            = "europe-west4"
    tables              = jsondecode(file("../tables.json"))
    partition_days      = { quarantine = 180 }
    delete_contents     = false
    deletion_protection = true
  }

  assert {
    condition     = alltrue([for table in google_bigquery_table.this : table.deletion_protection]) && !google_bigquery_dataset.this.delete_contents_on_destroy
    error_message = "Tables could be deleted."
  }
  assert {
    condition = (
      google_bigquery_table.this["measurements"].time_partitioning[0].field == "indexed_on" &&
      google_bigquery_table.this["measurements"].time_partitioning[0].expiration_ms == null &&
      google_bigquery_table.this["measurements"].clustering == tolist(["campaign_id", "molecule_id"])
    )
    error_message = "measurements: partitioned by day, clustered, for ever."
  }
  assert {
    condition     = google_bigquery_table.this["quarantine"].time_partitioning[0].expiration_ms == 180 * 86400000
    error_message = "Partitions of the quarantine expire."
  }
}

run "measurements_never_expire" {
  command = plan
  module {
    source = "../modules/warehouse"
  }
  variables {
    dataset             = "titrate"
    location            = "europe-west4"
    tables              = {}
    partition_days      = { measurements = 180 }
    delete_contents     = false
    deletion_protection = true
  }
  expect_failures = [var.partition_days]
}

run "temporal" {
  command = plan
  module {
    source = "../modules/temporal"
  }
  variables {
    name                = "titrate-temporal"
    network             = "projects/my-project/global/networks/titrate"
    services_range      = "10.10.64.0/20"
    tier                = "db-custom-2-7680"
    standby             = true
    backups             = 30
    password            = "not a password"
    password_version    = 1
    deletion_protection = true
  }

  assert {
    condition = (
      !google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled &&
      google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY" &&
      length(google_sql_database_instance.this.settings[0].ip_configuration[0].authorized_networks) == 0
    )
    error_message = "The database has a public address, or takes what is not encrypted."
  }
  assert {
    condition = (
      google_sql_database_instance.this.deletion_protection &&
      google_sql_database_instance.this.settings[0].deletion_protection_enabled &&
      google_sql_database_instance.this.settings[0].backup_configuration[0].point_in_time_recovery_enabled &&
      google_sql_database_instance.this.settings[0].availability_type == "REGIONAL"
    )
    error_message = "The database could be lost."
  }
  assert {
    condition     = google_sql_user.temporal[0].password == null
    error_message = "A password in the state."
  }
}

run "secrets" {
  command = plan
  module {
    source = "../modules/secrets"
  }
  variables {
    secrets             = { titrate-wandb-api-key = { what = "a key" } }
    deletion_protection = true
  }

  assert {
    condition     = google_secret_manager_secret.this["titrate-wandb-api-key"].replication[0].user_managed[0].replicas[0].location == "europe-west4"
    error_message = "The value would leave the region."
  }
}

run "federation" {
  command = plan
  module {
    source = "../modules/federation"
  }
  variables {
    project_number = "123456789012"
    repository     = { name = "my-team/titrate", id = "42", owner_id = "7", branch = "main" }
  }

  assert {
    condition = alltrue([
      for part in ["assertion.repository == 'my-team/titrate'", "assertion.repository_id == '42'", "assertion.repository_owner_id == '7'", "assertion.ref == 'refs/heads/main'"] :
      strcontains(google_iam_workload_identity_pool_provider.github.attribute_condition, part)
    ])
    error_message = "Another repository or branch could come in: ${google_iam_workload_identity_pool_provider.github.attribute_condition}"
  }
  assert {
    condition     = output.principal == "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/titrate-ci/attribute.repository_id/42"
    error_message = "Principal: ${output.principal}"
  }
}

run "federation_takes_one_branch" {
  command = plan
  module {
    source = "../modules/federation"
  }
  variables {
    project_number = "123456789012"
    repository     = { name = "my-team/titrate", id = "42", owner_id = "7", branch = "*' || true || '" }
  }
  expect_failures = [var.repository]
}
