mock_provider "google" {
  override_during = plan
}

run "state" {
  command = plan
  variables {
    project = "my-project"
  }

  assert {
    condition     = output.bucket == "my-project-titrate-tfstate"
    error_message = "The states are in ${output.bucket}."
  }
  assert {
    condition = (
      google_storage_bucket.state.public_access_prevention == "enforced" && google_storage_bucket.state.uniform_bucket_level_access &&
      google_storage_bucket.state.versioning[0].enabled && !google_storage_bucket.state.force_destroy
    )
    error_message = "States could be public or lost."
  }
}
